use eir_core::calibration::{Binning, Isotonic, Reliability};
use eir_core::random::Generator;
use eir_core::testing::bench::Bench;

pub(crate) fn rows(bench: &mut Bench) {
    let mut stream = Generator::new(1, "bench").stream(0);
    let probabilities: Vec<f64> = (0..1_000_000).map(|_| stream.uniform()).collect();
    let labels: Vec<bool> = probabilities.iter().map(|p| stream.chance(p * p)).collect();
    let input = "1e6 probabilities";
    let peer = "scikit-learn 1.9.1";
    // bound by the sort
    bench
        .row("isotonic fit", input, 4.0)
        .peer(peer, "calibration.isotonic")
        .run(|| Isotonic::default().fit(&labels, &probabilities));
    bench
        .row("calibration curve, quantiles", input, 1.0)
        .peer(peer, "calibration.curve_quantile")
        .run(|| Reliability::new(&labels, &probabilities, Binning::Quantile(10)));
    bench
        .row("calibration curve, equal width", input, 1.0)
        .peer(peer, "calibration.curve_uniform")
        .run(|| Reliability::new(&labels, &probabilities, Binning::EqualWidth(10)));
}
