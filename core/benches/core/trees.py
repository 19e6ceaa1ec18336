"""scikit-learn's tree models and nearest neighbours, on tables of the same distribution as ours."""

import numpy as np
from sklearn import ensemble, neighbors


def table(rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 20))
    f = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3]
    return x, rng.random(rows) < 1 / (1 + np.exp(-2 * f))


def forest():
    x, y = table(10_000, 1)
    return lambda: ensemble.RandomForestClassifier(100, random_state=0, n_jobs=1).fit(x, y)


def histogram_boosting():
    x, y = table(100_000, 2)
    model = ensemble.HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
    return lambda: model.fit(x, y)


def nearest_neighbours():
    x, y = table(10_000, 1)
    model = neighbors.KNeighborsClassifier(5, n_jobs=1).fit(x, y)
    queries = table(10_000, 3)[0]
    return lambda: model.kneighbors(queries)
