"""scikit-learn's k-means and Gaussian mixture on clouds of the same kind, from the first rows as centres."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

warnings.filterwarnings("ignore")  # that 20 iterations are not convergence is known


def clouds(groups, columns):
    rng = np.random.default_rng(columns)
    centres = 2 * rng.normal(size=(groups, columns))
    return centres[rng.integers(0, groups, 10_000)] + rng.normal(size=(10_000, columns))


def k_means():
    x = clouds(1, 20)
    return lambda: KMeans(8, init=x[:8], n_init=1, algorithm="lloyd", tol=0, max_iter=30).fit(x)


def gaussian_mixture():
    x = clouds(4, 5)
    start = dict(weights_init=[0.25] * 4, means_init=x[:4], precisions_init=np.stack([np.eye(5)] * 4))
    return lambda: GaussianMixture(4, tol=0, max_iter=20, init_params="random_from_data", **start).fit(x)
