use eir_core::learn::{HistogramBoosting, NearestNeighbours, RandomForest};
use eir_core::random::Generator;
use eir_core::testing::bench::Bench;
use eir_core::{Error, Model, Rows, metrics};

const PEER: &str = "scikit-learn 1.9.1";
/// scikit-learn's histogram boosting on 20 000 held-out rows of the same law.
const PEER_AUROC: f64 = 0.8777;

/// 20 normal columns, four of which decide, one pair of them together.
fn table(rows: usize, seed: u64) -> (Vec<f64>, Vec<bool>) {
    let mut stream = Generator::new(seed, "bench").stream(0);
    let x: Vec<f64> = (0..rows * 20).map(|_| stream.normal()).collect();
    let labels = x.chunks_exact(20).map(|r| {
        let f = (2.0 * r[0]).sin() + r[1] * r[2] + 0.5 * r[3];
        stream.chance(1.0 / (1.0 + (-2.0 * f).exp()))
    });
    let labels = labels.collect();
    (x, labels)
}

/// On one thread, as the peers.
pub(crate) fn rows(bench: &mut Bench) {
    #[cfg(feature = "rayon")]
    let outcome = match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(|| measure(bench)),
        Err(error) => return println!("no thread for the trees: {error}"),
    };
    #[cfg(not(feature = "rayon"))]
    let outcome = measure(bench);
    assert!(outcome.is_ok(), "{outcome:?}");
}

fn measure(bench: &mut Bench) -> Result<(), Error> {
    let (x, labels) = table(10_000, 1);
    let rows = Rows::new(&x, 20)?;
    let forest = RandomForest::default();
    bench
        .row("random forest, 100 trees", "1e4 x 20", 2.0)
        .peer(PEER, "trees.forest")
        .run(|| forest.fit(rows, &labels).is_ok());

    let (large, large_labels) = table(100_000, 2);
    let (large, boosting) = (Rows::new(&large, 20)?, HistogramBoosting::default());
    let (held_out, truth) = table(20_000, 3);
    let scores = boosting.fit(large, &large_labels)?.predict(Rows::new(&held_out, 20)?)?;
    let auroc = metrics::auroc(&truth, &scores)?;
    assert!(
        auroc >= PEER_AUROC - 0.02,
        "histogram boosting: AUROC {auroc} on held-out rows, the peer's is {PEER_AUROC}"
    );
    bench
        .row("histogram boosting, 100 trees", "1e5 x 20", 1.0)
        .peer(PEER, "trees.histogram_boosting")
        .run(|| boosting.fit(large, &large_labels).is_ok());

    let neighbours = NearestNeighbours::default().fit(rows, &labels)?;
    let queries = table(10_000, 4).0;
    let queries = Rows::new(&queries, 20)?;
    bench
        .row("5 nearest neighbours", "1e4 in 1e4 x 20", 3.0)
        .peer(PEER, "trees.nearest_neighbours")
        .run(|| neighbours.nearest(queries).is_ok());
    Ok(())
}
