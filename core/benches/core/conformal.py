"""Adaptive prediction sets as they are written in NumPy, on probabilities of the same size."""

import math

import numpy as np

rng = np.random.default_rng(1)
probabilities = rng.dirichlet(np.ones(5), 1_000_000)
labels = np.arange(1_000) % 5
alpha = 0.1


def scores(p, u):
    order = np.argsort(-p, axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=1)
    out = np.empty_like(p)
    np.put_along_axis(out, order, np.cumsum(ranked, axis=1) - (1 - u) * ranked, axis=1)
    return out


def threshold(values):
    n = len(values)
    rank = math.ceil(round((n + 1) * (1 - alpha), 9))
    return np.partition(values, rank - 1)[rank - 1]


def aps():
    q = threshold(scores(probabilities[:1_000], 1.0)[np.arange(1_000), labels])
    return lambda: scores(probabilities, 1.0) <= q


def aps_randomised():
    draw = np.random.default_rng(2)
    q = threshold(scores(probabilities[:1_000], draw.random((1_000, 1)))[np.arange(1_000), labels])
    return lambda: scores(probabilities, draw.random((1_000_000, 1))) <= q


def quantile():
    values = np.ascontiguousarray(probabilities.ravel()[:1_000_000])
    return lambda: threshold(values)
