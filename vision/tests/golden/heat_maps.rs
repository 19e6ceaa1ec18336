//! Heat maps and SimCC to joints.

use crate::archive::npz;
use crate::kinematics::{Fallible, entry, number};
use eir_core::testing::golden::{Case, Outcome, Tolerance, numbers};
use eir_vision::decode::{HeatMaps, MapBack, Peak, dark, dark_udp, peaks, quarter_shift, simcc, simcc_dark};
use serde_json::Value;

const WITHIN: f64 = 1e-3;
const INPUT: [usize; 2] = [192, 256];

fn expected(case: &Case) -> Fallible<Value> {
    Ok(serde_json::from_slice(&std::fs::read(case.reference("decode/expected.json")?)?)?)
}

fn places(peaks: &[Peak]) -> Vec<f64> {
    peaks.iter().flat_map(|p| p.xy).collect()
}

/// The number that a key ends with: a kernel of blurring.
fn kernel(key: &str) -> Fallible<usize> {
    let digits = key.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse().map_err(|_| format!("{key} names no kernel").into())
}

/// The truth that the maps were made of: what is found must be nearer to it than the cells are.
pub(crate) fn truth(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let truth = numbers(entry(&file, "true_xy_in_192x256")?)?;
    let error = |got: &[f64]| -> Fallible<f64> {
        let (got, want) = (got.as_chunks::<2>().0, truth.as_chunks::<2>().0);
        let seen = got.iter().zip(want).filter(|(g, _)| g.iter().all(|v| *v >= 0.0));
        let mut all: Vec<f64> = seen.map(|(g, w)| (g[0] - w[0]).hypot(g[1] - w[1])).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().ok_or_else(|| "no joint was found".into())
    };
    let of = entry(&file, "simcc")?;
    let (coarse, fine) = (error(&numbers(entry(of, "xy")?)?)?, error(&numbers(entry(of, "dark_xy")?)?)?);
    case.holds("simcc: DARK is nearer to the truth", fine < coarse, "it is not");
    let maps = entry(&file, "heatmap")?;
    for (key, back) in [("map_back_msra", MapBack::Ratio), ("map_back_udp", MapBack::Unbiased)] {
        let text = entry(maps, key)?.as_str().unwrap_or_default();
        let factors = text.trim_start_matches("xy *").trim().trim_matches(['(', ')']).split(',');
        let factor = |t: &str| -> Fallible<f64> {
            let (a, b) = t.trim().split_once('/').unwrap_or((t.trim(), "1"));
            Ok(a.parse::<f64>()? / b.parse::<f64>()?)
        };
        let factors: Vec<f64> = factors.map(factor).collect::<Fallible<_>>()?;
        let want =
            [factors.first().copied(), factors.get(1).or(factors.first()).copied()].map(Option::unwrap_or_default);
        let map = npz(&case.reference("decode/heatmaps.npz")?, "gaussian")?.0;
        let [height, width] = [1, 2].map(|i| map.get(map.len() - 3 + i).copied().unwrap_or_default());
        case.close(key, &back.pixels([1.0, 1.0], [width, height], INPUT), &want, Tolerance::relative(1e-12));
    }
    Ok(())
}

/// Scores along both axes.
pub(crate) fn axes(case: &mut Case) -> Outcome {
    let file = expected(case)?;
    let path = case.path().to_owned();
    let ((shape, x), (_, y)) = (npz(&path, "simcc_x")?, npz(&path, "simcc_y")?);
    let joints = *shape.first().ok_or("an array without axes")?;
    let of = entry(&file, "simcc")?;
    let split = number(entry(of, "split")?)?;
    let sigma: [f64; 2] = numbers(entry(of, "sigma")?)?.try_into().map_err(|_| "there are two axes")?;
    let plain = simcc(&x, &y, joints)?;
    let fine = simcc_dark(&x, &y, joints, sigma)?;
    let pixels = |p: &[Peak]| places(p).into_iter().map(|v| v / split).collect::<Vec<f64>>();
    case.walk(of, |case, key, want| {
        let within = Tolerance::absolute(WITHIN);
        match key {
            "argmax" => case.close(key, &places(&plain), &numbers(want)?, Tolerance::Exact),
            "score_min_rule" => {
                let scores: Vec<f64> = plain.iter().map(|p| p.score).collect();
                case.close(key, &scores, &numbers(want)?, Tolerance::absolute(1e-5)); // stored with five digits
            }
            "xy" => case.close(key, &pixels(&plain), &numbers(want)?, Tolerance::Exact),
            "dark_xy" => case.close(key, &pixels(&fine), &numbers(want)?, within),
            "split" | "sigma" => {} // taken above
            "blur" => {
                let odd = |sigma: &f64| {
                    let k = ((20.0 * sigma - 7.0) / 3.0).floor();
                    if k % 2.0 == 0.0 { k - 1.0 } else { k }
                };
                case.close(key, &sigma.iter().map(odd).collect::<Vec<_>>(), &numbers(want)?, Tolerance::Exact);
            }
            "note" => case.skip(key, "a sentence about the reference"),
            other => return Err(format!("nothing of ours is named {other}").into()),
        }
        Ok(())
    })
}

/// Two kinds of heat maps.
pub(crate) fn maps(case: &mut Case) -> Outcome {
    let file = expected(case)?;
    let path = case.path().to_owned();
    let ((shape, plain), (_, unbiased)) = (npz(&path, "gaussian")?, npz(&path, "udp")?);
    let [.., height, width] = *shape.as_slice() else { return Err("a map has two axes".into()) };
    let (plain, unbiased) = (HeatMaps::new(&plain, width, height)?, HeatMaps::new(&unbiased, width, height)?);
    let (found, udp) = (peaks(&plain), peaks(&unbiased));
    case.walk(entry(&file, "heatmap")?, |case, key, want| {
        if key.starts_with("map_back") {
            return Ok(()); // compared with the truth
        }
        let want = numbers(want)?;
        let within = Tolerance::absolute(WITHIN);
        match key {
            "argmax" => case.close(key, &places(&found), &want, Tolerance::Exact),
            "udp_argmax" => case.close(key, &places(&udp), &want, Tolerance::Exact),
            "value" => {
                let values: Vec<f64> = found.iter().map(|p| p.score).collect();
                case.close(key, &values, &want, Tolerance::absolute(1e-5)); // stored with five digits
            }
            "quarter_shift" => case.close(key, &places(&quarter_shift(&plain, &found)), &want, within),
            _ if key.starts_with("dark_udp_blur") => {
                case.close(key, &places(&dark_udp(&unbiased, &udp, kernel(key)?)?), &want, within);
            }
            _ if key.starts_with("dark_blur") => {
                case.close(key, &places(&dark(&plain, &found, kernel(key)?)?), &want, within);
            }
            other => return Err(format!("nothing of ours is named {other}").into()),
        }
        Ok(())
    })
}
