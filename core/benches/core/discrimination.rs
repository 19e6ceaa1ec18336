use eir_core::metrics;
use eir_core::random::Generator;
use eir_core::testing::bench::Bench;

pub(crate) fn rows(bench: &mut Bench) {
    // bound by the sort: n log n comparisons of scattered scores
    let mut stream = Generator::new(1, "bench").stream(0);
    let labels: Vec<bool> = (0..1_000_000).map(|_| stream.chance(0.3)).collect();
    let scores: Vec<f64> = labels.iter().map(|l| stream.normal() + f64::from(u8::from(*l))).collect();
    let input = "1e6 scores, 30 % positive";
    let peer = "scikit-learn 1.9.1";
    bench.row("auroc", input, 5.0).peer(peer, "discrimination.auroc").run(|| metrics::auroc(&labels, &scores));
    bench
        .row("average precision", input, 4.0)
        .peer(peer, "discrimination.average_precision")
        .run(|| metrics::average_precision(&labels, &scores));
}
