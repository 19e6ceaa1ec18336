"""NeuroKit2's heart-rate variability."""

import neurokit2 as nk
import numpy as np


def time_domain():
    rr = 800 + 40 * np.sin(2 * np.pi * 0.08 * np.arange(2272)) + 25 * np.sin(2 * np.pi * 0.25 * np.arange(2272) + 0.5)
    series = {"RRI": rr, "RRI_Time": np.cumsum(rr) / 1000}
    return lambda: nk.hrv_time(series)
