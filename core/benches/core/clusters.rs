use eir_core::Rows;
use eir_core::learn::{Covariance, GaussianMixture, KMeans, MixtureModel};
use eir_core::random::Generator;
use eir_core::testing::bench::Bench;

const N: usize = 10_000;

/// `groups` clouds, as `clusters.py` draws them.
fn clouds(groups: usize, columns: usize) -> Vec<f64> {
    let mut stream = Generator::new(3, "bench").stream(columns as u64);
    let centres: Vec<f64> = (0..groups * columns).map(|_| 2.0 * stream.normal()).collect();
    (0..N)
        .flat_map(|_| {
            let group = stream.below(groups);
            (0..columns).map(|j| centres[group * columns + j] + stream.normal()).collect::<Vec<_>>()
        })
        .collect()
}

pub(crate) fn rows(bench: &mut Bench) {
    let peer = "scikit-learn 1.9.1";
    // without groups no start has converged after 30 iterations, so that both do the same work
    let x = clouds(1, 20);
    let Ok(table) = Rows::new(&x, 20) else { return };
    let Ok(first) = Rows::new(&x[..8 * 20], 20) else { return };
    let k_means = KMeans::default().with_clusters(8).with_max_iterations(30);
    bench
        .row("k-means, 8 groups", "1e4 rows x 20, 30 iterations", 1.0)
        .peer(peer, "clusters.k_means")
        .run(|| k_means.fit_from(table, first));

    let x = clouds(4, 5);
    let Ok(table) = Rows::new(&x, 5) else { return };
    let Ok(first) = Rows::new(&x[..4 * 5], 5) else { return };
    let unit: Vec<f64> = (0..4 * 25).map(|at| f64::from(u8::from(at % 25 % 6 == 0))).collect();
    let Ok(start) = MixtureModel::new(Covariance::Full, &[0.25; 4], first, &unit) else { return };
    let mixture = GaussianMixture::default().with_components(4).with_tolerance(0.0).with_max_iterations(20);
    bench
        .row("Gaussian mixture, 4 full", "1e4 rows x 5, 20 iterations", 1.0)
        .peer(peer, "clusters.gaussian_mixture")
        .run(|| mixture.fit_from(table, &start));
}
