//! WFDB records and annotations against wfdb-python, EDF and BDF against pyEDFlib, aECG against a walk over the XML.

use super::{list, text};
use eir_core::Limits;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_signal::{Reader, Record, Signal, aecg, wfdb};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ops::Range;
use std::path::Path;

pub(super) fn readers(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, key, entries| match key {
        "wfdb" => case.walk(entries, |case, _, e| {
            let path = text(e, "path")?;
            one_record(case, path, e).map_err(|error| format!("{path}: {error}").into())
        }),
        "ann" => case.walk(entries, |case, _, e| annotations(case, e)),
        "edf" => case.walk(entries, |case, _, e| {
            let path = text(e, "path")?;
            one_edf(case, path, e).map_err(|error| format!("{path}: {error}").into())
        }),
        _ => case.walk(entries, |case, _, _| {
            case.skip(key, "a kind of file that is not known");
            Ok(())
        }),
    })
}

fn one_record(case: &mut Case, path: &str, e: &Value) -> Outcome {
    if e.get("error").is_some() {
        case.skip(path, "the reference tool has no values");
        return Ok(());
    }
    let header = case.data(&format!("{path}.hea"))?;
    let whole = |key: &str| e.get(key).and_then(Value::as_u64);
    let range = whole("sampfrom").unwrap_or(0)..whole("sampto").unwrap_or(u64::MAX);
    let partial = range != (0..u64::MAX);
    if e.get("multi").is_some() {
        return segments(case, &header, range, e);
    }
    let reader = Reader::open(&header)?;
    let mut record = reader.window(range)?;
    if let Some(channels) = e.get("channels").and_then(Value::as_array) {
        let places = channels.iter().filter_map(|c| usize::try_from(c.as_u64()?).ok());
        record.signals = places.filter_map(|i| record.signals.get(i).cloned()).collect();
    }
    case.value("fs", record.frame_rate.hz(), number(entry(e, "fs")?)?, Tolerance::Exact);
    case.value("n_sig", record.signals.len() as f64, number(entry(e, "n_sig")?)?, Tolerance::Exact);
    case.value("sig_len", record.frames as f64, number(entry(e, "sig_len")?)?, Tolerance::Exact);
    words(case, e, "comments", record.comments.iter().map(String::as_str));
    start(case, &record, e);
    words(case, e, "sig_name", record.signals.iter().map(Signal::name));
    let mut single_rate = true;
    for (i, signal) in record.signals.iter().enumerate() {
        // a signal that no segment holds has no calibration in the reference
        let known = |key: &str| e.get(key).and_then(|v| v.get(i)).filter(|v| !v.is_null());
        if let Some(unit) = known("units") {
            case.equal("units", &signal.unit(), &unit.as_str().unwrap_or_default());
        }
        if let Some(format) = known("fmt") {
            case.equal("fmt", &signal.format().to_string().as_str(), &format.as_str().unwrap_or_default());
        }
        if let Some(want) = known("samps_per_frame") {
            let per_frame = (signal.rate().hz() / record.frame_rate.hz()).round();
            single_rate &= per_frame == 1.0;
            case.value("samps_per_frame", per_frame, number(want)?, Tolerance::Exact);
        }
        if let Some((gain, baseline)) = signal.calibration() {
            for (key, got) in [("adc_gain", gain), ("baseline", f64::from(baseline))] {
                if let Some(want) = known(key) {
                    case.value(key, got, number(want)?, Tolerance::Exact);
                }
            }
        }
    }
    if !partial && e.get("channels").is_none() {
        windows(case, &reader, &record)?;
    }
    let frames = Frames::of(&record);
    if e.get("expanded").is_some() {
        return expanded(case, &record, e);
    }
    values(case, &frames, e)?;
    if partial {
        return Ok(());
    }
    if let (Some(want), digital) = (e.get("d_first10"), &frames.digital) {
        let got: Vec<f64> =
            (0..10).flat_map(|i| digital.iter().filter_map(move |d| d.get(i))).map(|d| *d as f64).collect();
        case.close("d_first10", &got, &numbers(want)?, Tolerance::Exact);
    }
    if let Some(want) = e.get("checksum_calc") {
        let got: Vec<f64> = frames.digital.iter().map(|d| (d.iter().sum::<i64>() as u16).into()).collect();
        case.close("checksum_calc", &got, &numbers(want)?, Tolerance::Exact);
        // the reference sums what skew and averaging leave; the header's sum is that of the stored samples
        if let Some(header) = e.get("checksum_header").filter(|_| single_rate) {
            let same = numbers(header)?
                .iter()
                .zip(numbers(want)?)
                .map(|(h, w)| *h as i64 as u16 == w as u16)
                .collect::<Vec<_>>();
            for (signal, same) in record.signals.iter().zip(same) {
                if same {
                    case.equal("checksum agrees", &signal.checksum_agrees(), &Some(true));
                }
            }
        }
    }
    Ok(())
}

/// The segments that hold some of the frames `range`, behind the layout header, if there is one.
fn segments(case: &mut Case, header: &Path, range: Range<u64>, e: &Value) -> Outcome {
    let header = wfdb::Header::parse(&std::fs::read(header)?, &Limits::default())?;
    let (mut names, mut lengths, mut start) = (Vec::new(), Vec::new(), 0);
    for (i, (name, length)) in header.segments.iter().enumerate() {
        let end = start + length;
        let part = end.min(range.end).saturating_sub(start.max(range.start));
        if part > 0 || (i == 0 && *length == 0) {
            names.push(name.as_str());
            lengths.push(part as f64);
        }
        start = end;
    }
    words(case, e, "seg_name", names.into_iter());
    case.close("seg_len", &lengths, &numbers(entry(e, "seg_len")?)?, Tolerance::Exact);
    Ok(())
}

/// Any window is the same part of the whole, sample for sample.
fn windows(case: &mut Case, reader: &Reader, whole: &Record) -> Outcome {
    let n = whole.frames as u64;
    let mut same = true;
    for range in [0..1, n / 3..n / 3 + 5, n / 2..n / 2, n.saturating_sub(3)..n + 9, 7.min(n)..n, 0..n] {
        let part = reader.window(range.clone())?;
        for (a, b) in whole.signals.iter().zip(&part.signals) {
            let own = (a.rate().hz() / whole.frame_rate.hz()).round() as u64;
            let place = |frame: u64| (frame.min(n) * own) as usize;
            let cut: Range<usize> = place(range.start)..place(range.end);
            let bits =
                |x: &[f64]| x.iter().map(|v| if v.is_nan() { u64::MAX } else { v.to_bits() }).collect::<Vec<_>>();
            same &= bits(&b.samples_f64()) == bits(a.samples_f64().get(cut).unwrap_or_default());
        }
    }
    case.holds("windows", same, "a window is not the same part of the whole");
    Ok(())
}

fn one_edf(case: &mut Case, path: &str, e: &Value) -> Outcome {
    let reader = Reader::open(case.data(path)?)?;
    let record = reader.read()?;
    windows(case, &reader, &record)?;
    let kind = ["EDF", "EDF+", "BDF", "BDF+"].get(number(entry(e, "filetype")?)? as usize);
    let kind = kind.ok_or("a file type that is not known")?;
    let got = record.comment("type").unwrap_or_default();
    case.holds("filetype", got.trim_end_matches(['C', 'D']) == *kind, got);
    case.value("duration_s", record.duration_s(), number(entry(e, "duration_s")?)?, Tolerance::relative(1e-12));
    edf_start(case, &record, text(e, "start")?);
    // a field of `X` says that it is left out; the reference gives an empty code then
    let code = record.comment("patient").and_then(|p| p.split(' ').next()).filter(|c| *c != "X").unwrap_or_default();
    case.equal("patient", &code, &text(e, "patient")?);
    let signals = list(e, "signals")?;
    case.value("signals", record.signals.len() as f64, signals.len() as f64, Tolerance::Exact);
    for (signal, want) in record.signals.iter().zip(signals) {
        case.equal("label", &signal.name(), &text(want, "label")?);
        case.equal("dim", &signal.unit(), &text(want, "dim")?);
        let x = signal.samples_f64();
        let digital: Vec<f64> =
            signal.digital().unwrap_or_default().iter().map(|d| d.map_or(f64::NAN, f64::from)).collect();
        case.value("fs", signal.rate().hz(), number(entry(want, "fs")?)?, Tolerance::relative(1e-12));
        case.value("n", x.len() as f64, number(entry(want, "n")?)?, Tolerance::Exact);
        let first = |x: &[f64]| x.iter().copied().take(10).collect::<Vec<f64>>();
        case.close("d_first10", &first(&digital), &numbers(entry(want, "d_first10")?)?, Tolerance::Exact);
        case.value("d_sum", digital.iter().sum(), number(entry(want, "d_sum")?)?, Tolerance::Exact);
        case.close("first10", &first(&x), &numbers(entry(want, "first10")?)?, Tolerance::relative(1e-12));
        let size = x.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        case.value("mean", mean(&x), number(entry(want, "mean")?)?, Tolerance::absolute(1e-12 * size));
        case.value("std", deviation(&x), number(entry(want, "std")?)?, Tolerance::absolute(1e-12 * size));
    }
    case.value("n_annotations", record.annotations.len() as f64, number(entry(e, "n_annotations")?)?, Tolerance::Exact);
    for (got, want) in record.annotations.iter().zip(list(e, "annotations")?) {
        // the reference counts in units of 100 ns
        let near = Tolerance::absolute(1.01e-7);
        case.value("onset", got.onset_s, number(entry(want, "onset")?)?, near);
        case.value("duration", got.duration_s.unwrap_or(-1.0), number(entry(want, "duration")?)?, near);
        case.equal("text", &got.text.as_str(), &text(want, "text")?);
    }
    Ok(())
}

/// The start: pyEDFlib 0.1.42 gives a tenth of the fraction of a second (it takes units of 100 ns for microseconds times
/// ten), so its fraction is compared with a tenth of ours.
fn edf_start(case: &mut Case, record: &Record, want: &str) {
    let mut words = record.start.split(' ');
    let (time, date) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let date: Vec<&str> = date.split('/').rev().collect();
    let (seconds, microseconds) = want.split_once('.').unwrap_or((want, "0"));
    case.equal("start", &format!("{}T{whole}", date.join("-")).as_str(), &seconds);
    let fraction: f64 = format!("0.{fraction}").parse().unwrap_or(f64::NAN);
    let want: f64 = format!("0.{microseconds}").parse().unwrap_or(f64::NAN);
    case.value("start, fraction", fraction / 10.0, want, Tolerance::absolute(1e-6));
}

pub(super) fn documents(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, _, e| {
        let path = text(e, "path")?;
        document(case, &case.data(path)?, e).map_err(|error| format!("{path}: {error}").into())
    })
}

fn document(case: &mut Case, path: &Path, e: &Value) -> Outcome {
    let document = aecg::open(path, &Limits::default())?;
    let reader = Reader::open(path)?;
    windows(case, &reader, &reader.read()?)?;
    let id = entry(e, "id")?;
    case.equal("id", &document.id.0.as_str(), &text(id, "root")?);
    case.equal("id", &document.id.1.as_deref(), &id.get("extension").and_then(Value::as_str));
    for (key, want) in entry(e, "effectiveTime")?.as_object().into_iter().flatten() {
        let got = document.effective_time.iter().find(|(name, _)| name == key).map(|(_, v)| v.as_str());
        case.equal("effectiveTime", &got, &want.as_str());
    }
    case.value(
        "n_annotations",
        document.statements.len() as f64,
        number(entry(e, "n_annotations")?)?,
        Tolerance::Exact,
    );
    let codes: BTreeSet<&str> = document.statements.iter().map(|s| s.code.as_str()).filter(|c| !c.is_empty()).collect();
    words(case, e, "annotation_codes", codes.into_iter());
    let sets = list(e, "series")?;
    case.value("series", document.series.len() as f64, sets.len() as f64, Tolerance::Exact);
    for (series, set) in document.series.iter().zip(sets) {
        let set = set.as_array().ok_or("a series is a list")?;
        let (leads, axes): (Vec<&Value>, Vec<&Value>) = set.iter().partition(|s| s.get("n").is_some());
        for axis in axes {
            let increment = entry(axis, "increment")?;
            let per_second = if text(increment, "unit")? == "ms" { 1e3 } else { 1.0 };
            let step: f64 = text(increment, "value")?.parse()?;
            case.value("rate", series.frame_rate.hz(), per_second / step, Tolerance::Exact);
            if text(axis, "code")? == "TIME_ABSOLUTE" {
                let digits = |t: &str| t.chars().filter(char::is_ascii_digit).collect::<String>();
                let mut words = series.start.split(' ').map(str::to_owned);
                let (time, date) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let date: String = date.split('/').rev().collect();
                let head = text(entry(axis, "head")?, "value")?;
                let (got, want) = (date + &digits(&time), digits(head));
                case.equal("head", &got.trim_end_matches('0'), &want.trim_end_matches('0'));
            }
        }
        case.value("leads", series.signals.len() as f64, leads.len() as f64, Tolerance::Exact);
        for (signal, lead) in series.signals.iter().zip(leads) {
            case.equal("code", &format!("MDC_ECG_LEAD_{}", signal.name()).as_str(), &text(lead, "code")?);
            let digital: Vec<f64> =
                signal.digital().unwrap_or_default().iter().map(|d| d.map_or(f64::NAN, f64::from)).collect();
            let of = |key: &str| -> Result<Vec<f64>, Box<dyn Error>> { numbers(entry(lead, key)?) };
            case.close(
                "first10",
                digital.get(..10.min(digital.len())).unwrap_or_default(),
                &of("first10")?,
                Tolerance::Exact,
            );
            case.close(
                "last3",
                digital.get(digital.len().saturating_sub(3)..).unwrap_or_default(),
                &of("last3")?,
                Tolerance::Exact,
            );
            let facts = [digital.len() as f64, digital.iter().sum(), lowest(&digital), highest(&digital)];
            for (key, got) in ["n", "sum", "min", "max"].into_iter().zip(facts) {
                case.close(key, &[got], &of(key)?, Tolerance::Exact);
            }
            let quantity =
                |key: &str| -> Result<f64, Box<dyn Error>> { Ok(text(entry(lead, key)?, "value")?.parse()?) };
            let (origin, scale) = (quantity("origin")?, quantity("scale")?);
            let physical: Vec<f64> = digital.iter().map(|d| origin + scale * d).collect();
            case.close("values", &signal.samples_f64(), &physical, Tolerance::Exact);
            case.equal("unit", &signal.unit(), &text(entry(lead, "scale")?, "unit")?);
        }
    }
    Ok(())
}

/// One number per frame and signal, as the reference smooths signals with several.
struct Frames {
    digital: Vec<Vec<i64>>,
    physical: Vec<Vec<f64>>,
}

impl Frames {
    fn of(record: &Record) -> Self {
        let mut all = Self { digital: Vec::new(), physical: Vec::new() };
        for signal in &record.signals {
            let per_frame = (signal.rate().hz() / record.frame_rate.hz()).round().max(1.0) as usize;
            let missing = match signal.format() {
                80 | 508 => -128,
                212 => -2048,
                310 | 311 => -512,
                24 | 524 => -(1 << 23),
                32 => -(1 << 31),
                _ => -32_768i64,
            };
            let stored = signal.digital().unwrap_or_default();
            let (gain, baseline) = signal.calibration().unwrap_or((1.0, 0));
            let frames = stored.chunks(per_frame);
            let digital: Vec<i64> =
                frames.map(|f| f.iter().map(|d| d.map_or(missing, i64::from)).sum::<i64>() / f.len() as i64).collect();
            // the reference averages first and looks for missing values then
            let one = |d: &i64| if *d == missing { f64::NAN } else { (*d as f64 - f64::from(baseline)) / gain };
            let physical = if per_frame == 1 { signal.samples_f64() } else { digital.iter().map(one).collect() };
            all.physical.push(physical);
            all.digital.push(digital);
        }
        all
    }
}

fn values(case: &mut Case, frames: &Frames, e: &Value) -> Outcome {
    let n = frames.physical.first().map_or(0, Vec::len);
    let rows = |range: std::ops::Range<usize>| -> Vec<f64> {
        range.flat_map(|i| frames.physical.iter().filter_map(move |s| s.get(i)).copied()).collect()
    };
    let exact = Tolerance::relative(1e-12);
    case.close("first10", &rows(0..10.min(n)), &numbers(entry(e, "first10")?)?, exact);
    case.close("last5", &rows(n.saturating_sub(5)..n), &numbers(entry(e, "last5")?)?, exact);
    let each = |f: fn(&[f64]) -> f64| -> Vec<f64> {
        let known = |s: &Vec<f64>| s.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<f64>>();
        frames.physical.iter().map(|s| f(&known(s))).collect()
    };
    let missing: Vec<f64> = frames.physical.iter().map(|s| s.iter().filter(|v| v.is_nan()).count() as f64).collect();
    case.close("nan_count", &missing, &numbers(entry(e, "nan_count")?)?, Tolerance::Exact);
    let (low, high) = (each(lowest), each(highest));
    case.close("min", &low, &numbers(entry(e, "min")?)?, exact);
    case.close("max", &high, &numbers(entry(e, "max")?)?, exact);
    // a mean may be nearly 0: the signal's own size is the measure
    let size = low.iter().chain(&high).filter(|v| v.is_finite()).fold(0.0f64, |a, v| a.max(v.abs()));
    case.close("mean", &each(mean), &numbers(entry(e, "mean")?)?, Tolerance::absolute(1e-12 * size));
    case.close("std", &each(deviation), &numbers(entry(e, "std")?)?, Tolerance::absolute(1e-12 * size));
    Ok(())
}

fn expanded(case: &mut Case, record: &Record, e: &Value) -> Outcome {
    let lengths: Vec<f64> = record.signals.iter().map(|s| s.len() as f64).collect();
    case.close("lens", &lengths, &numbers(entry(e, "lens")?)?, Tolerance::Exact);
    let first: Vec<f64> = record.signals.iter().flat_map(|s| s.iter().take(10)).collect();
    case.close("first10", &first, &numbers(entry(e, "first10")?)?, Tolerance::relative(1e-12));
    let means: Vec<f64> =
        record.signals.iter().map(|s| mean(&s.iter().filter(|v| !v.is_nan()).collect::<Vec<_>>())).collect();
    case.close("mean", &means, &numbers(entry(e, "mean")?)?, Tolerance::absolute(1e-12));
    let missing: Vec<f64> = record.signals.iter().map(|s| s.missing() as f64).collect();
    case.close("nan_count", &missing, &numbers(entry(e, "nan_count")?)?, Tolerance::Exact);
    Ok(())
}

fn lowest(x: &[f64]) -> f64 {
    x.iter().copied().reduce(f64::min).unwrap_or(f64::NAN)
}

fn highest(x: &[f64]) -> f64 {
    x.iter().copied().reduce(f64::max).unwrap_or(f64::NAN)
}

/// Kahan's sum: the reference adds in pairs, which is nearly as exact.
fn mean(x: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0, 0.0);
    for v in x {
        let step = v - lost;
        let next = sum + step;
        lost = (next - sum) - step;
        sum = next;
    }
    sum / x.len() as f64
}

fn deviation(x: &[f64]) -> f64 {
    let centre = mean(x);
    mean(&x.iter().map(|v| (v - centre).powi(2)).collect::<Vec<_>>()).sqrt()
}

fn words<'a>(case: &mut Case, e: &Value, key: &str, got: impl Iterator<Item = &'a str>) {
    // a name that the header does not give is nothing in the reference, and has a number with us
    let want = e.get(key).and_then(Value::as_array).into_iter().flatten();
    let want: Vec<Option<&str>> = want.map(Value::as_str).collect();
    let got: Vec<Option<&str>> = got.enumerate().map(|(i, g)| Some(g).filter(|_| want.get(i) != Some(&None))).collect();
    case.equal(key, &got, &want);
}

/// Time of day (the reference has microseconds) and date, which the header writes in another order.
fn start(case: &mut Case, record: &Record, e: &Value) {
    let mut parts = record.start.split_whitespace();
    if let Some(want) = e.get("base_time").and_then(Value::as_str) {
        let seconds =
            |t: &str| t.split(':').try_fold(0.0, |s, p| Some(60.0 * s + p.parse::<f64>().ok()?)).unwrap_or(f64::NAN);
        case.value("base_time", seconds(parts.next().unwrap_or_default()), seconds(want), Tolerance::absolute(1.01e-6));
    }
    if let Some(want) = e.get("base_date").and_then(Value::as_str) {
        let got: Vec<&str> = parts.next().unwrap_or_default().split('/').rev().collect();
        case.equal("base_date", &got.join("-").as_str(), &want);
    }
}

fn annotations(case: &mut Case, e: &Value) -> Outcome {
    let name = format!("{}.{}", text(e, "path")?, text(e, "ext")?);
    let found = wfdb::open_annotations(&case.data(&name)?, &Limits::default())
        .map_err(|error| -> Box<dyn Error> { format!("{name}: {error}").into() })?;
    // the reference drops the notes before the first sample (definitions, command lines); we keep them
    let found: Vec<_> = found.into_iter().filter(|a| a.sample != 0 || a.symbol != '"').collect();
    let total = |f: fn(&wfdb::Annotation) -> i64| found.iter().map(f).sum::<i64>() as f64;
    let last = found.last().map_or(f64::NAN, |a| a.sample as f64);
    for (key, got) in [
        ("n", found.len() as f64),
        ("last_sample", last),
        ("sum_sample", total(|a| a.sample)),
        ("subtype_sum", total(|a| i64::from(a.subtype))),
        ("num_sum", total(|a| i64::from(a.number))),
        ("chan_sum", total(|a| i64::from(a.channel))),
    ] {
        case.value(key, got, number(entry(e, key)?)?, Tolerance::Exact);
    }
    let first: Vec<f64> = found.iter().take(40).map(|a| a.sample as f64).collect();
    case.close("first40_sample", &first, &numbers(entry(e, "first40_sample")?)?, Tolerance::Exact);
    let symbols: Vec<String> = found.iter().take(40).map(|a| a.symbol.to_string()).collect();
    words(case, e, "first40_symbol", symbols.iter().map(String::as_str));
    words(case, e, "first40_aux", found.iter().take(40).map(|a| a.text.as_str()));
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    found.iter().for_each(|a| *counts.entry(a.symbol.to_string()).or_default() += 1);
    let want = entry(e, "counts")?.as_object().ok_or("counts is an object")?;
    let want: BTreeMap<String, u64> = want.iter().map(|(k, v)| (k.clone(), v.as_u64().unwrap_or_default())).collect();
    case.equal("counts", &counts, &want);
    Ok(())
}
