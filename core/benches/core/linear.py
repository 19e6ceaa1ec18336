"""scikit-learn's linear models and principal components on tables of the same kind, with its default settings."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso, LogisticRegression, Ridge

rng = np.random.default_rng(2)
x = rng.normal(size=(100_000, 20))
score = x[:, :5].sum(1) - x[:, 5]
labels = rng.random(100_000) < 1 / (1 + np.exp(0.5 - score))
targets = score + rng.normal(size=100_000)


def logistic():
    return lambda: LogisticRegression().fit(x, labels)


def ridge():
    return lambda: Ridge().fit(x, targets)


def lasso():
    return lambda: Lasso(alpha=0.1).fit(x, targets)


def pca():
    return lambda: PCA().fit(x)
