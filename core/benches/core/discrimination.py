"""scikit-learn's metrics on scores of the same size, ties and balance; the bootstraps of the peers."""

import numpy as np
from scipy import stats
from sklearn import metrics


def scored(n):
    rng = np.random.default_rng(1)
    labels = rng.random(n) < 0.3
    return labels, rng.normal(size=n) + labels


def auroc():
    labels, scores = scored(1_000_000)
    return lambda: metrics.roc_auc_score(labels, scores)


def average_precision():
    labels, scores = scored(1_000_000)
    return lambda: metrics.average_precision_score(labels, scores)


def probabilities():
    labels, scores = scored(1_000_000)
    return labels, 1 / (1 + np.exp(-scores))


def log_loss():
    labels, p = probabilities()
    return lambda: metrics.log_loss(labels, p)


def brier():
    labels, p = probabilities()
    return lambda: metrics.brier_score_loss(labels, p)


def confusion():
    labels, scores = scored(1_000_000)
    truth, called = labels.astype(int), (scores > 0.5).astype(int)
    return lambda: (
        metrics.confusion_matrix(truth, called),
        metrics.matthews_corrcoef(truth, called),
        metrics.f1_score(truth, called),
    )


def delong():
    """The fast algorithm of Sun and Xu by SciPy's midranks."""
    labels, first = scored(100_000)
    scores = np.stack([first, 0.3 * first[::-1] + first])

    def work():
        n1 = labels.sum()
        n0 = len(labels) - n1
        above, below = [], []
        for s in scores:
            positives, negatives = s[labels], s[~labels]
            ranks = stats.rankdata(np.concatenate([positives, negatives]))
            above.append((ranks[:n1] - stats.rankdata(positives)) / n0)
            below.append(1 - (ranks[n1:] - stats.rankdata(negatives)) / n1)
        return np.mean(above, axis=1), np.cov(above) / n1 + np.cov(below) / n0

    return work


def auroc_bootstrap():
    labels, scores = scored(10_000)
    classes = np.flatnonzero(labels), np.flatnonzero(~labels)

    def work():
        rng = np.random.default_rng(2)
        areas = []
        for _ in range(1000):
            rows = np.concatenate([rng.choice(c, len(c)) for c in classes])
            areas.append(metrics.roc_auc_score(labels[rows], scores[rows]))
        return np.percentile(areas, [2.5, 97.5])

    return work


def bca_of_mean():
    _, scores = scored(1000)
    return lambda: stats.bootstrap((scores,), np.mean, n_resamples=9999, vectorized=True, rng=3).confidence_interval
