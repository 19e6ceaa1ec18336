//! A conformal interval from the wrong one of the sorted calibration errors.

use super::{Mistake, Number, SEED, figure, mean};
use eir_core::Error;
use eir_core::conformal::{Alpha, Threshold};
use eir_core::distribution::normal_cdf;
use eir_core::random::Generator;

/// Calibration cases of the table.
const CASES: usize = 20;
const SIZES: [usize; 10] = [10, 15, 20, 25, 30, 40, 50, 60, 80, 100];
const PROMISED: f64 = 0.9;
/// Cheap, and the difference is small: more than of the other mistakes.
const STUDIES: usize = 2000;

pub(super) fn run() -> Result<Mistake, Error> {
    let of_sizes = SIZES.iter().map(|n| coverage(*n)).collect::<Result<Vec<_>, Error>>()?;
    let curve = |way: usize| of_sizes.iter().map(|c| c[way]).collect::<Vec<_>>();
    let figure = figure::curves(
        "How often a 90 % interval holds the truth (dashed: promised)",
        "Mean coverage over 2000 simulated calibration sets against their size, for three ranks",
        ("calibration cases", 0.0, 100.0),
        ("coverage", 0.8, 1.0),
        (PROMISED, ""),
        &SIZES.map(|n| n as f64),
        &[("int of the product", &curve(0)), ("Alpha::rank", &curve(2)), ("quantile without + 1", &curve(1))],
    );
    let [int, quantile, right] = coverage(CASES)?;
    let number = |what, wrong| Number { what, truth: PROMISED, wrong, right, decimals: 3 };
    Ok(Mistake {
        name: "The wrong conformal rank",
        numbers: vec![
            number("coverage with 20 cases, `int((n + 1) * 0.9)`", int),
            number("coverage with 20 cases, `quantile(errors, 0.9)`", quantile),
        ],
        one_study: vec![one_study()?],
        figures: vec![("conformal_rank.svg", figure)],
    })
}

/// The absolute errors of a calibration set, rising.
fn errors(generator: &Generator, number: u64, cases: usize) -> Vec<f64> {
    let mut stream = generator.stream(number);
    let mut errors: Vec<f64> = (0..cases).map(|_| stream.normal().abs()).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

/// What share of all new cases lies within ± the threshold, on average: by int, by quantile, by [`Threshold`].
fn coverage(cases: usize) -> Result<[f64; 3], Error> {
    let generator = Generator::new(SEED, "conformal rank");
    let within = |threshold: f64| 2.0 * normal_cdf(threshold) - 1.0;
    let mut of_studies = [const { Vec::new() }; 3];
    for number in 0..STUDIES as u64 {
        let errors = errors(&generator, number, cases);
        let int = ((cases as f64 + 1.0) * PROMISED) as usize;
        // as numpy does: between the two nearest
        let place = (cases as f64 - 1.0) * PROMISED;
        let below = place as usize;
        let quantile = errors[below] + (place - below as f64) * (errors[below + 1] - errors[below]);
        let right = Threshold::fit(&errors, Alpha::new(1.0 - PROMISED)?)?.q();
        for (all, threshold) in of_studies.iter_mut().zip([errors[int - 1], quantile, right]) {
            all.push(within(threshold));
        }
    }
    Ok(of_studies.map(|all| mean(&all)))
}

fn one_study() -> Result<String, Error> {
    let errors = errors(&Generator::new(SEED, "conformal rank"), 0, CASES);
    let threshold = Threshold::fit(&errors, Alpha::new(1.0 - PROMISED)?)?;
    Ok(threshold.coverage(0.95)?.sentence("Coverage"))
}
