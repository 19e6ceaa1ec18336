use eir_core::Rows;
use eir_core::learn::{ElasticNet, LogisticRegression, Pca, Ridge};
use eir_core::random::Generator;
use eir_core::testing::bench::Bench;

const N: usize = 100_000;
const P: usize = 20;

pub(crate) fn rows(bench: &mut Bench) {
    let mut stream = Generator::new(2, "bench").stream(0);
    let x: Vec<f64> = (0..N * P).map(|_| stream.normal()).collect();
    let score = |row: &[f64]| row[..5].iter().sum::<f64>() - row[5];
    let labels: Vec<bool> = x.chunks_exact(P).map(|r| stream.chance(1.0 / (1.0 + (0.5 - score(r)).exp()))).collect();
    let targets: Vec<f64> = x.chunks_exact(P).map(|r| score(r) + stream.normal()).collect();
    let Ok(table) = Rows::new(&x, P) else { return };
    let (input, peer) = ("1e5 rows x 20", "scikit-learn 1.9.1");
    let (logistic, ridge) = (LogisticRegression::default(), Ridge::default());
    let (lasso, pca) = (ElasticNet::default().with_alpha(0.1), Pca::default());
    bench
        .row("logistic L2 to 1e-8", input, 1.0)
        .peer("scikit-learn 1.9.1, lbfgs to 1e-4", "linear.logistic")
        .run(|| logistic.fit(table, &labels));
    bench.row("ridge", input, 1.0).peer(peer, "linear.ridge").run(|| ridge.fit(table, &targets));
    bench.row("lasso", input, 1.0).peer(peer, "linear.lasso").run(|| lasso.fit(table, &targets));
    bench.row("principal components", input, 1.0).peer(peer, "linear.pca").run(|| pca.fit(table));
}
