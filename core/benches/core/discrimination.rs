use eir_core::Estimate;
use eir_core::inference::{Bootstrap, DeLong, SamplingUnits};
use eir_core::metrics::{self, Confusion, ZeroDivision};
use eir_core::random::Generator;
use eir_core::testing::bench::Bench;

pub(crate) fn rows(bench: &mut Bench) {
    let (sklearn, scipy, numpy) = ("scikit-learn 1.9.1", "SciPy 1.17.1", "midranks in NumPy/SciPy");
    // bound by the sort: n log n comparisons of scattered scores
    let (labels, scores) = scored(1_000_000);
    let input = "1e6 scores, 30 % positive";
    bench.row("auroc", input, 5.0).peer(sklearn, "discrimination.auroc").run(|| metrics::auroc(&labels, &scores));
    bench
        .row("average precision", input, 4.5)
        .peer(sklearn, "discrimination.average_precision")
        .run(|| metrics::average_precision(&labels, &scores));

    // bound by the logarithms, and by reading
    let p: Vec<f64> = scores.iter().map(|s| 1.0 / (1.0 + (-s).exp())).collect();
    let input = "1e6 probabilities";
    bench.row("log loss", input, 9.0).peer(sklearn, "discrimination.log_loss").run(|| metrics::log_loss(&labels, &p));
    bench.row("brier", input, 9.0).peer(sklearn, "discrimination.brier").run(|| metrics::brier(&labels, &p));

    // bound by one addition after the other to the same cell
    let truth: Vec<usize> = labels.iter().map(|l| usize::from(*l)).collect();
    let called: Vec<usize> = scores.iter().map(|s| usize::from(*s > 0.5)).collect();
    bench
        .row("confusion, MCC and F1", "1e6 decisions", 10.0)
        .peer(sklearn, "discrimination.confusion")
        .run(|| Confusion::new(&truth, &called, 2).map(|c| (c.mcc(), c.f_beta(1, 1.0, ZeroDivision::Zero))));

    // bound by two sorts of scores with their positions
    let (labels, first) = scored(100_000);
    let second: Vec<f64> = first.iter().rev().zip(&first).map(|(a, b)| 0.3 * a + b).collect();
    bench
        .row("DeLong covariance", "1e5 x 2 scores", 4.0)
        .peer(numpy, "discrimination.delong")
        .run(|| DeLong::new(&labels, &[&first, &second]));

    // bound by the random numbers and by counting; one thread, as the peers
    let (labels, scores) = scored(10_000);
    let bootstrap = Bootstrap::default().with_replicates(1000);
    bench
        .row("auroc bootstrap, BCa", "1000 x 1e4 scores", 10.0)
        .peer("a loop over scikit-learn 1.9.1", "discrimination.auroc_bootstrap")
        .run(|| one_thread(|| bootstrap.auroc(&labels, &scores, &SamplingUnits::by_outcome(&labels)?)));
    let x = &scores[..1000];
    let mean = |rows: &[usize]| rows.iter().map(|i| x[*i]).sum::<f64>() / rows.len() as f64;
    let bootstrap = Bootstrap::default().with_replicates(9999);
    bench
        .row("bootstrap of a mean, BCa", "9999 x 1000 values", 2.0)
        .peer(scipy, "discrimination.bca_of_mean")
        .run(|| one_thread(|| bootstrap.estimate(&SamplingUnits::rows(x.len())?, mean)));
}

/// `n` labels, 30 % positive, with scores that are a standard deviation higher for positives.
fn scored(n: usize) -> (Vec<bool>, Vec<f64>) {
    let mut stream = Generator::new(1, "bench").stream(0);
    let labels: Vec<bool> = (0..n).map(|_| stream.chance(0.3)).collect();
    let scores = labels.iter().map(|l| stream.normal() + f64::from(u8::from(*l))).collect();
    (labels, scores)
}

#[cfg(feature = "rayon")]
fn one_thread(work: impl FnOnce() -> Result<Estimate, eir_core::Error> + Send) -> Option<Estimate> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok()?;
    pool.install(work).ok()
}

#[cfg(not(feature = "rayon"))]
fn one_thread(work: impl FnOnce() -> Result<Estimate, eir_core::Error>) -> Option<Estimate> {
    work().ok()
}
