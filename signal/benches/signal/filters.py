"""SciPy's filters."""

import scipy.signal as ss
from recording import RATE, ecg


def sosfiltfilt():
    x, sos = ecg(), ss.butter(4, [0.5, 40], "bandpass", fs=RATE, output="sos")
    return lambda: ss.sosfiltfilt(sos, x)


def sosfilt():
    x, sos = ecg(), ss.butter(4, [0.5, 40], "bandpass", fs=RATE, output="sos")
    return lambda: ss.sosfilt(sos, x)
