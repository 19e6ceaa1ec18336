use eir_core::Rows;
use eir_core::random::Generator;
use eir_core::survival::{Cox, KaplanMeier, concordance_index};
use eir_core::testing::bench::Bench;

pub(crate) fn rows(bench: &mut Bench) {
    // bound by the sort; Cox by n p² products a step and n exponentials
    let peer = "lifelines 0.30.3";
    let (time, event, _) = patients(100_000);
    bench
        .row("Kaplan–Meier", "1e5 patients, times in tenths", 1.0)
        .peer(peer, "survival.kaplan_meier")
        .run(|| KaplanMeier::new(&time, &event, 0.95));
    let (time, event, x) = patients(5_000);
    bench
        .row("Cox", "5000 patients x 5 covariates, times in tenths", 1.0)
        .peer(peer, "survival.cox")
        .run(|| Cox::config().fit(&time, &event, Rows::new(&x, 5)?));
    let (time, event, x) = patients(10_000);
    let risk: Vec<f64> = x.iter().step_by(5).copied().collect();
    bench
        .row("concordance index", "1e4 patients, times in tenths", 1.0)
        .peer(peer, "survival.concordance")
        .run(|| concordance_index(&time, &event, &risk));
}

/// Times, events and five covariates, of which the first two count.
fn patients(n: usize) -> (Vec<f64>, Vec<bool>, Vec<f64>) {
    let mut stream = Generator::new(1, "bench").stream(0);
    let (mut time, mut event, mut x) = (vec![], vec![], vec![]);
    for _ in 0..n {
        let row: [f64; 5] = std::array::from_fn(|_| stream.normal());
        let own = stream.exponential() * (0.5 * row[1] - 0.8 * row[0]).exp();
        let end = 2.0 * stream.exponential();
        time.push((10.0 * own.min(end)).ceil() / 10.0);
        event.push(own <= end);
        x.extend(row);
    }
    (time, event, x)
}
