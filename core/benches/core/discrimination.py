"""scikit-learn's metrics on scores of the same size, ties and balance."""

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(1)
labels = rng.random(1_000_000) < 0.3
scores = rng.normal(size=1_000_000) + labels


def auroc():
    return lambda: metrics.roc_auc_score(labels, scores)


def average_precision():
    return lambda: metrics.average_precision_score(labels, scores)
