//! Golden values: walks the reference folder of this crate and compares what is built.

mod crowd;

use crowd::Crowd;
use eir_annotate::{
    CocoFile, CohenKappa, Crowd as CrowdRule, DawidSkene, DawidSkeneFit, Error, KappaWeights, KrippendorffAlpha,
    Limits, Measurement, PixelOrder, Rle, Segmentation, Stop, TimeBase, WfdbAnnotation, WfdbFile, accuracy, box_iou,
    box_mask, majority_vote, mask_iou, polygon_mask, polygons_mask, wfdb_code, wfdb_header_clock,
};
use eir_core::testing::golden::{Case, Golden, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

type Any<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> std::process::ExitCode {
    Golden::from_args("annotate")
        .case("krippendorff.json", krippendorff)
        .case("kappa.json", kappa)
        .case("aggregation.json", aggregation)
        .case("aggregation_*.csv", posteriors)
        .case("rle.json", rle)
        .case("wfdb_ann.json", wfdb)
        .run()
}

/// The reference's tolerance for `key`, which stands in the file itself: a number, or "exact; iou 1e-12".
fn tolerance(reference: &Value, key: Option<&str>) -> Any<f64> {
    let mut value = entry(reference, "tolerance")?;
    if let Some(key) = key {
        value = entry(value, key)?;
    }
    match value {
        Value::String(text) => Ok(text.rsplit(' ').next().unwrap_or_default().parse()?),
        _ => number(value),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Any<&'a str> {
    entry(value, key)?.as_str().ok_or_else(|| format!("{key} is no text").into())
}

fn krippendorff(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let allowed = Tolerance::absolute(tolerance(&reference, None)?);
    case.walk(entry(&reference, "cases")?, |case, _, one| {
        let name = text(one, "name")?.to_owned();
        let raters = number(entry(one, "raters")?)? as usize;
        let values = match one.get("matrix") {
            Some(matrix) => numbers(matrix)?,
            None => {
                let set = name.strip_prefix("data:").ok_or("a case without a matrix that names no data")?;
                Crowd::read(case, set)?.matrix()?
            }
        };
        let levels = entry(one, "alpha")?.as_object().ok_or("alpha is no object")?;
        for (level, want) in levels {
            let measurement = match level.as_str() {
                "nominal" => Measurement::Nominal,
                "ordinal" => Measurement::Ordinal,
                "interval" => Measurement::Interval,
                "ratio" => Measurement::Ratio,
                _ => {
                    case.skip(level, "not built yet");
                    continue;
                }
            };
            let got = KrippendorffAlpha::default().with_measurement(measurement).alpha(&values, raters);
            let label = format!("{name} {level}");
            match want {
                // the package raises an error, or gives NaN: undefined
                Value::String(_) | Value::Null => {
                    case.holds(&label, matches!(got, Err(Error::Undefined { .. })), "should be undefined");
                }
                _ => case.value(&label, got?, number(want)?, allowed),
            }
        }
        Ok(())
    })
}

fn kappa(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let allowed = Tolerance::absolute(tolerance(&reference, None)?);
    case.walk(entry(&reference, "cohen")?, |case, _, one| {
        let classes = number(entry(one, "k")?)? as usize;
        let of = |key: &str| -> Any<Vec<u32>> { Ok(numbers(entry(one, key)?)?.iter().map(|v| *v as u32).collect()) };
        let (a, b) = (of("a")?, of("b")?);
        let table: Vec<u64> = numbers(entry(one, "table")?)?.iter().map(|v| *v as u64).collect();
        let weighted = entry(one, "weighted")?.as_object().ok_or("weighted is no object")?;
        for (name, want) in weighted {
            let weights = match name.as_str() {
                "None" => KappaWeights::Unweighted,
                "linear" => KappaWeights::Linear,
                "quadratic" => KappaWeights::Quadratic,
                _ => {
                    case.skip(name, "not built yet");
                    continue;
                }
            };
            let config = CohenKappa::default().with_weights(weights);
            let got = config.estimate(&a, &b, classes)?;
            case.equal(&format!("{name} from the table"), &config.of_table(&table, classes)?, &got);
            let values = [
                ("kappa", got.estimate.value),
                ("kappa_statsmodels", got.estimate.value),
                ("var_kappa", got.standard_error.powi(2)),
                ("var_kappa0", got.standard_error_null.powi(2)),
                ("z", got.z),
                ("p_two_sided", got.p),
            ];
            for (key, value) in values {
                case.value(&format!("{name} {key}"), value, number(entry(want, key)?)?, allowed);
            }
            let ends = [got.estimate.lower, got.estimate.upper];
            case.close(&format!("{name} ci95"), &ends, &numbers(entry(want, "ci95")?)?, allowed);
            if weights == KappaWeights::Unweighted {
                case.value("percent_agreement", got.agreement, number(entry(one, "percent_agreement")?)?, allowed);
            }
        }
        for key in ["scott_pi", "gwet_ac1", "pabak", "mcc"] {
            if one.get(key).is_some() {
                case.skip(key, "not built yet");
            }
        }
        Ok(())
    })?;
    if reference.get("fleiss").is_some() {
        case.skip("fleiss", "not built yet");
    }
    Ok(())
}

/// A fit by the method of the reference, and the key of its tolerance; none for methods that are not built.
fn fitted(method: &str, crowd: &Crowd, iterations: Option<usize>) -> Any<Option<(DawidSkeneFit, &'static str)>> {
    let (model, key) = match method {
        "dawid_skene_default" => {
            (DawidSkene::default().with_max_iterations(100).with_stop(Stop::Evidence(1e-5)), "dawid_skene_default")
        }
        "dawid_skene_converged" => {
            let fixed = DawidSkene::default().with_stop(Stop::Posterior(-1.0));
            (fixed.with_max_iterations(iterations.ok_or("how many iterations?")?), "dawid_skene_converged")
        }
        "dawid_skene_own_converged" => {
            (DawidSkene::default().with_max_iterations(5000).with_stop(Stop::Posterior(1e-13)), "own_converged")
        }
        _ => return Ok(None),
    };
    Ok(Some((model.fit(&crowd.ratings()?)?, key)))
}

fn aggregation(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(entry(&reference, "datasets")?, |case, _, set| {
        let crowd = Crowd::read(case, text(set, "dataset")?)?;
        let ratings = crowd.ratings()?;
        for (key, got) in [("tasks", ratings.items()), ("workers", ratings.raters()), ("labels", ratings.all().len())] {
            case.value(key, got as f64, number(entry(set, key)?)?, Tolerance::Exact);
        }
        let classes: Vec<String> = numbers(entry(set, "classes")?)?.iter().map(ToString::to_string).collect();
        case.equal("classes", &ratings.class_names().to_vec(), &classes);
        let gold = crowd.gold_classes(&ratings);
        case.walk(entry(set, "methods")?, |case, method, want| {
            let right = |labels: &[usize]| accuracy(labels, &gold);
            if method == "majority_vote" {
                let want = number(entry(want, "accuracy_vs_gold")?)?;
                case.value("accuracy", right(&majority_vote(&ratings))?, want, Tolerance::absolute(1e-12));
                return Ok(());
            }
            let iterations = want.get("iterations").and_then(Value::as_u64).map(|n| n as usize);
            let Some((fit, key)) = fitted(method, &crowd, iterations)? else {
                case.skip(method, "not built yet");
                return Ok(());
            };
            let allowed = Tolerance::absolute(tolerance(&reference, Some(key))?);
            let accuracy = number(entry(want, "accuracy_vs_gold")?)?;
            case.value("accuracy", right(&fit.labels())?, accuracy, Tolerance::absolute(1e-12));
            if let Some(elbo) = want.get("elbo_per_label") {
                case.value("iterations", fit.iterations as f64, iterations.unwrap_or(0) as f64, Tolerance::Exact);
                case.close("elbo_per_label", &fit.evidence, &numbers(elbo)?, allowed);
            }
            if let Some(priors) = want.get("priors").and_then(Value::as_object) {
                for (class, want) in priors {
                    let place = ratings.class_names().iter().position(|c| c == class).ok_or("an unknown class")?;
                    case.value("priors", fit.prior[place], number(want)?, allowed);
                }
            }
            let k = ratings.classes();
            let rater = |name: &str| ratings.rater_names().iter().position(|r| plain(r) == plain(name));
            for row in want.get("worker_errors").and_then(Value::as_array).into_iter().flatten() {
                let row = row.as_array().ok_or("worker_errors is no table")?;
                let (Some(worker), Some(answer)) =
                    (row.first().and_then(Value::as_str), row.get(1).and_then(Value::as_str))
                else {
                    return Err("worker_errors has no names".into());
                };
                let worker = rater(worker).ok_or_else(|| format!("rater {worker} is not in the data"))?;
                let answer =
                    ratings.class_names().iter().position(|c| plain(c) == plain(answer)).ok_or("an unknown class")?;
                let got: Vec<f64> = (0..k).map(|truth| fit.confusion(worker)[truth * k + answer]).collect();
                case.close("worker_errors", &got, &numbers(&Value::Array(row[2..].to_vec()))?, allowed);
            }
            for (worker, matrix) in want.get("parameters").and_then(Value::as_object).into_iter().flatten() {
                let place = rater(worker).ok_or_else(|| format!("rater {worker} is not in the data"))?;
                case.close("confusion", fit.confusion(place), &numbers(matrix)?, allowed);
            }
            Ok(())
        })
    })
}

/// A name without the ".0" that a table of numbers gives it.
fn plain(name: &str) -> &str {
    name.strip_suffix(".0").unwrap_or(name)
}

fn posteriors(case: &mut Case) -> Outcome {
    let file = case.path().file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
    let crowd = Crowd::read(case, file.trim_start_matches("aggregation_"))?;
    let ratings = crowd.ratings()?;
    let table = std::fs::read_to_string(case.path())?;
    let mut lines = table.lines().map(|l| l.split(',').collect::<Vec<_>>());
    let header = lines.next().ok_or("an empty table")?;
    let rows: Vec<Vec<&str>> = lines.collect();
    let items: Vec<String> = rows.iter().map(|r| r.first().copied().unwrap_or_default().to_owned()).collect();
    case.equal("items", &items, &ratings.item_names().to_vec());
    let gold = crowd.gold_classes(&ratings);
    let stated: Vec<Option<usize>> = rows
        .iter()
        .map(|r| ratings.class_names().iter().position(|c| Some(&plain(c)) == r.get(1).map(|g| plain(g)).as_ref()))
        .collect();
    case.equal("gold", &gold, &stated);

    let meta: Value = serde_json::from_slice(&std::fs::read(case.reference("aggregation.json")?)?)?;
    let sets = entry(&meta, "datasets")?.as_array().ok_or("datasets is no list")?;
    let set = sets
        .iter()
        .find(|s| s["dataset"].as_str().is_some_and(|d| file.ends_with(d)))
        .ok_or("aggregation.json lacks it")?;
    let mut columns: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (at, name) in header.iter().enumerate().skip(2) {
        let (method, class) = name.split_once(':').ok_or("a column without a class")?;
        let class = ratings.class_names().iter().position(|c| plain(c) == plain(class)).ok_or("an unknown class")?;
        columns.entry(method).or_default().push((at, class));
    }
    let k = ratings.classes();
    for (method, columns) in columns {
        let iterations = set["methods"][method]["iterations"].as_u64().map(|n| n as usize);
        let (posterior, key) = if method == "majority_vote" {
            (ratings.vote_shares(), "majority")
        } else {
            match fitted(method, &crowd, iterations)? {
                Some((fit, key)) => (fit.posterior, key),
                None => {
                    case.skip(method, "not built yet");
                    continue;
                }
            }
        };
        // the table has ten digits
        let allowed = Tolerance::absolute(tolerance(&meta, Some(key))?.max(5e-11));
        for (at, class) in columns {
            let want: Vec<f64> = rows
                .iter()
                .map(|r| r.get(at).and_then(|v| v.parse().ok()).ok_or("no number"))
                .collect::<Result<_, _>>()?;
            let got: Vec<f64> = posterior.iter().skip(class).step_by(k).copied().collect();
            case.close(method, &got, &want, allowed);
        }
    }
    Ok(())
}

fn corners(flat: &[f64]) -> Vec<[f64; 2]> {
    flat.as_chunks::<2>().0.to_vec()
}

fn rle(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let allowed = Tolerance::absolute(tolerance(&reference, None)?);
    let counts = |mask: &Rle| mask.counts().iter().map(|c| f64::from(*c)).collect::<Vec<_>>();
    let size =
        |one: &Value| -> Any<(u32, u32)> { Ok((number(entry(one, "h")?)? as u32, number(entry(one, "w")?)? as u32)) };
    let measures = |case: &mut Case, mask: &Rle, one: &Value| -> Outcome {
        case.close("counts", &counts(mask), &numbers(entry(one, "counts")?)?, Tolerance::Exact);
        case.value("area", mask.area() as f64, number(entry(one, "area")?)?, Tolerance::Exact);
        case.close("bbox", &mask.bounding_box(), &numbers(entry(one, "bbox")?)?, Tolerance::Exact);
        Ok(())
    };
    for (key, part) in reference.as_object().into_iter().flatten() {
        match key.as_str() {
            "cases" => case.walk(part, |case, _, one| {
                let (h, w) = size(one)?;
                let string = text(one, "counts_string")?;
                let mask = Rle::from_compressed(h, w, string)?;
                measures(case, &mask, one)?;
                case.equal("string", &mask.to_compressed().as_str(), &string);
                if let Some(rows) = one.get("mask_rows").and_then(Value::as_array) {
                    let pixels: Vec<u8> =
                        rows.iter().filter_map(Value::as_str).flat_map(|r| r.bytes().map(|b| b - b'0')).collect();
                    case.equal("encoded", &Rle::from_mask(&pixels, h, w, PixelOrder::Rows)?, &mask);
                    case.equal("decoded", &mask.to_mask(PixelOrder::Rows, &Limits::default())?, &pixels);
                }
                Ok(())
            })?,
            "polygons" => case.walk(part, |case, _, one| {
                let (h, w) = size(one)?;
                let lists = entry(one, "polygons")?.as_array().ok_or("polygons is no list")?;
                let polygons = lists.iter().map(|p| Ok(corners(&numbers(p)?))).collect::<Any<Vec<_>>>()?;
                let each = entry(one, "each")?.as_array().ok_or("each is no list")?;
                for (polygon, want) in polygons.iter().zip(each) {
                    case.equal(
                        "each",
                        &polygon_mask(polygon, h, w)?.to_compressed().as_str(),
                        &want.as_str().unwrap_or_default(),
                    );
                }
                let all = polygons_mask(&polygons, h, w)?;
                case.equal("merged", &all.to_compressed().as_str(), &text(one, "merged")?);
                measures(case, &all, one)
            })?,
            "boxes" => {
                let boxes =
                    |key: &str| -> Any<Vec<[f64; 4]>> { Ok(numbers(entry(part, key)?)?.as_chunks::<4>().0.to_vec()) };
                let (found, wanted) = (boxes("dt")?, boxes("gt")?);
                let crowd = rules(entry(part, "iscrowd")?)?;
                let got: Vec<f64> =
                    found.iter().flat_map(|d| wanted.iter().zip(&crowd).map(|(g, c)| box_iou(*d, *g, *c))).collect();
                case.close("box iou", &got, &numbers(entry(part, "iou")?)?, allowed);
                for (key, want) in
                    part.as_object().into_iter().flatten().filter(|(k, _)| k.starts_with("rle_from_bbox"))
                {
                    let of = |letter: &str| key.split('_').find_map(|w| w.strip_prefix(letter)?.parse::<u32>().ok());
                    let (Some(h), Some(w)) = (of("h"), of("w")) else { return Err("no size in the key".into()) };
                    for (area, want) in found.iter().zip(want.as_array().into_iter().flatten()) {
                        case.equal(
                            "box mask",
                            &box_mask(*area, h, w)?.to_compressed().as_str(),
                            &want.as_str().unwrap_or_default(),
                        );
                    }
                }
            }
            "merge_iou" => {
                let (h, w) = size(part)?;
                let strings = entry(part, "counts")?.as_array().ok_or("counts is no list")?;
                let masks = strings
                    .iter()
                    .map(|s| Ok(Rle::from_compressed(h, w, s.as_str().unwrap_or_default())?))
                    .collect::<Any<Vec<_>>>()?;
                let area: Vec<f64> = masks.iter().map(|m| m.area() as f64).collect();
                case.close("areas", &area, &numbers(entry(part, "areas")?)?, Tolerance::Exact);
                // the generator's crowd flags are 0, 1, 0, …: those of the reference's columns
                let crowd = [CrowdRule::No, CrowdRule::Yes];
                let mut overlaps = Vec::new();
                for a in &masks {
                    for (b, rule) in masks.iter().zip(crowd.iter().cycle()) {
                        overlaps.push(mask_iou(a, b, *rule)?);
                    }
                }
                case.close("mask iou", &overlaps, &numbers(entry(part, "iou")?)?, allowed);
                let (first, rest) = masks.split_first().ok_or("no masks")?;
                let union = rest.iter().try_fold(first.clone(), |a, b| a.union(b))?;
                let intersection = rest.iter().try_fold(first.clone(), |a, b| a.intersection(b))?;
                case.equal("union", &union.to_compressed().as_str(), &text(part, "union")?);
                case.equal("intersection", &intersection.to_compressed().as_str(), &text(part, "intersection")?);
            }
            "fakesegm100_area_runs_bbox" => {
                if let Err(error) = results(case, part) {
                    case.fail(key, &error.to_string());
                }
            }
            "package" | "column_major" | "tolerance" => {}
            _ => case.skip(key, "not built yet"),
        }
    }
    Ok(())
}

fn rules(flags: &Value) -> Any<Vec<CrowdRule>> {
    Ok(numbers(flags)?.iter().map(|f| if *f == 0.0 { CrowdRule::No } else { CrowdRule::Yes }).collect())
}

/// Area, number of runs and box of each mask of the result file with masks; and every COCO file back byte for byte.
fn results(case: &mut Case, want: &Value) -> Outcome {
    let folder = case.data("coco")?;
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    names.sort();
    for path in names.iter().filter(|p| p.extension().is_some_and(|e| e == "json")) {
        let bytes = std::fs::read(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let back = CocoFile::from_bytes(bytes.clone(), &Limits::default()).and_then(|mut file| {
            let document = file.to_document();
            let losses = file.update(&document)?;
            Ok((file.to_text()?, losses.len()))
        });
        match back {
            Ok((text, losses)) => {
                case.holds(&format!("{name} back"), text.as_bytes() == bytes && losses == 0, "other bytes")
            }
            Err(error) => case.fail(&format!("{name} back"), &error.to_string()),
        }
    }
    if want.is_null() {
        return Ok(()); // the generator found no result file
    }
    let path = case.data("coco/instances_val2014_fakesegm100_results.json")?;
    let file = CocoFile::read(&path, &Limits::default())?;
    let mut got = Vec::new();
    for record in file.annotations.iter().take(400) {
        let Some(Segmentation::Mask { mask, .. }) = &record.value.segmentation else {
            return Err("a result without a mask".into());
        };
        got.extend([mask.area() as f64, mask.counts().len() as f64]);
        got.extend(mask.bounding_box());
    }
    case.close("area, runs and box of results", &got, &numbers(want)?, Tolerance::Exact);
    Ok(())
}

fn wfdb(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, name, want| {
        let path = case.data(&format!("wfdb/{name}"))?;
        let file = WfdbFile::read(&path, &Limits::default())?;
        if want.is_string() {
            case.skip(name, "the reference reader failed on it");
            return Ok(());
        }
        let bytes = std::fs::read(&path)?;
        case.holds("back byte for byte", file.to_bytes()? == bytes, "other bytes");
        case.holds("end mark", file.is_complete(), "there is none");
        round_trip(case, &file, &bytes)?;

        let events: Vec<&WfdbAnnotation> = file.events().collect();
        let own = file.own_codes();
        let symbol = |code: u8| {
            let mine = own.iter().find(|o| o.0 == code).map(|o| o.1.clone());
            mine.or_else(|| wfdb_code(code).map(|c| c.0.to_owned())).unwrap_or_default()
        };
        let sum = |f: &dyn Fn(&WfdbAnnotation) -> i64| events.iter().map(|a| f(a)).sum::<i64>() as f64;
        let mut symbols: BTreeMap<String, f64> = BTreeMap::new();
        events.iter().for_each(|a| *symbols.entry(symbol(a.code)).or_default() += 1.0);
        for (key, want) in want.as_object().ok_or("no object")? {
            let first =
                |n: usize, f: &dyn Fn(&WfdbAnnotation) -> f64| events.iter().take(n).map(|a| f(a)).collect::<Vec<_>>();
            match key.as_str() {
                "n" => case.value(key, events.len() as f64, number(want)?, Tolerance::Exact),
                "fs" => {
                    let rate = rate(&file, &path, want.is_number())?;
                    case.equal(key, &rate, &want.as_f64());
                }
                "sample_first" => {
                    case.close(key, &first(numbers(want)?.len(), &|a| a.time as f64), &numbers(want)?, Tolerance::Exact)
                }
                "sample_last" => {
                    let last: Vec<f64> =
                        events.iter().skip(events.len().saturating_sub(5)).map(|a| a.time as f64).collect();
                    case.close(key, &last, &numbers(want)?, Tolerance::Exact);
                }
                "sample_sum" => case.value(key, sum(&|a| a.time), number(want)?, Tolerance::Exact),
                "chan_sum" => case.value(key, sum(&|a| a.channel.into()), number(want)?, Tolerance::Exact),
                "num_sum" => case.value(key, sum(&|a| a.number.into()), number(want)?, Tolerance::Exact),
                "subtype_sum" => case.value(key, sum(&|a| a.subtype.into()), number(want)?, Tolerance::Exact),
                "subtype_first" => {
                    case.close(
                        key,
                        &first(numbers(want)?.len(), &|a| a.subtype.into()),
                        &numbers(want)?,
                        Tolerance::Exact,
                    );
                }
                "symbols" => {
                    let want = want.as_object().ok_or("no object")?.iter().map(|(k, v)| Ok((k.clone(), number(v)?)));
                    case.equal(key, &symbols, &want.collect::<Any<BTreeMap<_, _>>>()?);
                }
                "symbol_first" => {
                    let want: Vec<&str> = want.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    let got: Vec<String> = events.iter().take(want.len()).map(|a| symbol(a.code)).collect();
                    case.equal(key, &got, &want.iter().map(ToString::to_string).collect());
                }
                "aux" => {
                    let rows = want.as_array().ok_or("no list")?;
                    let present = events
                        .iter()
                        .enumerate()
                        .filter_map(|(i, a)| Some((i, a.aux.as_ref().filter(|t| !t.is_empty())?)));
                    let got: Vec<(usize, String)> =
                        present.take(60).map(|(i, t)| (i, t.iter().map(|b| char::from(*b)).collect())).collect();
                    let want = rows.iter().map(|r| {
                        (r[0].as_u64().unwrap_or_default() as usize, r[1].as_str().unwrap_or_default().to_owned())
                    });
                    case.equal(key, &got, &want.collect());
                }
                "custom_labels" => {
                    let rows = want.as_array().into_iter().flatten();
                    let cell = |v: &Value| v.as_str().unwrap_or_default().to_owned();
                    let want: Vec<_> =
                        rows.map(|r| (r[0].as_u64().unwrap_or_default() as u8, cell(&r[1]), cell(&r[2]))).collect();
                    case.equal(key, &own, &want);
                }
                _ => case.skip(key, "not built yet"),
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// Ticks a second: what the file says, else the header beside it, which must be there if one is `wanted`.
fn rate(file: &WfdbFile, path: &Path, wanted: bool) -> Any<Option<f64>> {
    if let Some(own) = file.ticks_per_second()? {
        return Ok(Some(own.to_f64()));
    }
    let header = path.with_extension("hea");
    if !header.exists() {
        return if wanted { Err(format!("{} is missing", header.display()).into()) } else { Ok(None) };
    }
    Ok(Some(wfdb_header_clock(&std::fs::read(header)?)?.rate.to_f64()))
}

/// As a document, on another clock and back: no loss, the same bytes.
fn round_trip(case: &mut Case, file: &WfdbFile, bytes: &[u8]) -> Outcome {
    let clock = TimeBase::samples(250.into())?;
    let mut document = file.to_document("record", clock)?;
    document.convert_time(0, TimeBase::milliseconds())?;
    let mut again = file.clone();
    let losses = again.update(&document, 0, clock)?;
    case.holds("through the data model byte for byte", losses.is_empty() && again.to_bytes()? == bytes, "other bytes");
    Ok(())
}
