use eir_core::Rows;
use eir_core::conformal::{Aps, SetPredictor, Threshold};
use eir_core::random::Generator;
use eir_core::testing::bench::Bench;

pub(crate) fn rows(bench: &mut Bench) {
    let mut stream = Generator::new(1, "bench").stream(0);
    let mut probabilities = Vec::with_capacity(5_000_000);
    for _ in 0..1_000_000 {
        let weights = [(); 5].map(|()| stream.exponential());
        let sum: f64 = weights.iter().sum();
        probabilities.extend(weights.map(|w| w / sum));
    }
    let Ok(new) = Rows::new(&probabilities, 5) else { return };
    let Ok(old) = Rows::new(&probabilities[..5_000], 5) else { return };
    let labels: Vec<usize> = (0..1_000).map(|i| i % 5).collect();
    let input = "1e6 rows x 5 classes";
    // 150 ms is the goal for ours alone
    let Ok(fitted) = SetPredictor::new(Aps::deterministic()).fit(old, &labels) else { return };
    bench.row("APS sets", input, 1.0).peer("NumPy 2.4.6", "conformal.aps").run(|| fitted.predict(new));
    let Ok(fitted) = SetPredictor::new(Aps::randomised(1)).fit(old, &labels) else { return };
    bench
        .row("APS sets, randomised", input, 1.0)
        .peer("NumPy 2.4.6", "conformal.aps_randomised")
        .run(|| fitted.predict(new));
    let scores = &probabilities[..1_000_000];
    bench
        .row("conformal quantile", "1e6 scores", 1.0)
        .peer("NumPy 2.4.6", "conformal.quantile")
        .run(|| Threshold::fit(scores, Default::default()));
}
