"""SciPy's filters."""

import time

import numpy as np
import scipy.ndimage as nd
import scipy.signal as ss
from recording import RATE, ecg


def band_pass():
    return ss.butter(4, [0.5, 40], "bandpass", fs=RATE, output="sos")


def sosfiltfilt():
    x, sos = ecg(), band_pass()
    return lambda: ss.sosfiltfilt(sos, x)


def sosfilt():
    x, sos = ecg(), band_pass()
    return lambda: ss.sosfilt(sos, x)


def design():
    return band_pass


def fastest(*calls):
    """The call that takes least time, of five rounds."""

    def seconds(call):
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return min(calls, key=lambda call: min(seconds(call) for _ in range(5)))


def fir(taps):
    x, h = ecg(), ss.firwin(taps, [0.5, 40], pass_zero=False, fs=RATE)
    return fastest(
        lambda: ss.lfilter(h, 1.0, x),
        lambda: ss.oaconvolve(x, h)[: len(x)],
        lambda: ss.fftconvolve(x, h)[: len(x)],
        lambda: np.convolve(x, h)[: len(x)],
        lambda: ss.upfirdn(h, x)[: len(x)],
        lambda: nd.convolve1d(x, h, mode="constant", origin=-(taps // 2)),
    )


def fir_101():
    return fir(101)


def fir_1001():
    return fir(1001)


def resample_poly():
    x = ecg()
    return lambda: ss.resample_poly(x, 25, 36)


def resample():
    x = ecg()
    n = -(-len(x) * 25 // 36)
    return lambda: ss.resample(x, n)


def decimate():
    x = ecg()
    return lambda: ss.decimate(x, 4)


def medfilt():
    x = ecg()
    return lambda: ss.medfilt(x, 73)


def median_217():
    x = ecg()
    return lambda: nd.median_filter(x, 217)


def medfilt_filtered():
    x = ss.sosfiltfilt(band_pass(), ecg())
    return lambda: ss.medfilt(x, 73)


def savgol():
    x = ecg()
    return lambda: ss.savgol_filter(x, 21, 3)


def detrend():
    x = ecg()
    return lambda: ss.detrend(x)


def boxcar():
    x = ecg()
    return lambda: nd.uniform_filter1d(x, 30)
