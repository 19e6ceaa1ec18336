"""scikit-learn's calibration on probabilities of the same size and distortion."""

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression

rng = np.random.default_rng(1)
probabilities = rng.random(1_000_000)
labels = rng.random(1_000_000) < probabilities**2


def isotonic():
    return lambda: IsotonicRegression(out_of_bounds="clip").fit(probabilities, labels)


def curve_quantile():
    return lambda: calibration_curve(labels, probabilities, n_bins=10, strategy="quantile")


def curve_uniform():
    return lambda: calibration_curve(labels, probabilities, n_bins=10, strategy="uniform")
