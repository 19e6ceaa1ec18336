"""SciPy's spectra and peaks, PyWavelets' transforms."""

import numpy as np
import pywt
import scipy.interpolate as si
import scipy.signal as ss
from recording import RATE, ecg


def beats():
    rr = 800 + 40 * np.sin(2 * np.pi * 0.08 * np.arange(2272)) + 25 * np.sin(2 * np.pi * 0.25 * np.arange(2272) + 0.5)
    return np.cumsum(rr) / 1000, rr - rr.mean()


def welch():
    x = ecg()
    return lambda: ss.welch(x, fs=RATE, nperseg=1024)


def stft():
    x = ecg()
    return lambda: ss.stft(x, fs=RATE, nperseg=256)


def coherence():
    x = ecg()
    y = np.roll(x, 17)
    return lambda: ss.coherence(x, y, fs=RATE, nperseg=1024)


def hilbert():
    x = ecg()
    return lambda: ss.hilbert(x)


def wavedec():
    x = ecg()
    return lambda: pywt.wavedec(x, "db4", level=8)


def wavedec_waverec():
    x = ecg()
    return lambda: pywt.waverec(pywt.wavedec(x, "db4", level=8), "db4")


def swt():
    x = ecg()
    x = x[: len(x) // 16 * 16]
    return lambda: pywt.swt(x, "db4", level=4)


def cwt():
    x = ecg()[:10800]
    scales = np.geomspace(4, 128, 32)
    return lambda: pywt.cwt(x, scales, "cmor1.5-1.0", sampling_period=1 / RATE)


def find_peaks():
    x = ecg()
    return lambda: ss.find_peaks(x, distance=72, prominence=0.3)


def lomb_scargle():
    t, y = beats()
    w = 2 * np.pi * np.linspace(0.003, 0.4, 1000)
    return lambda: ss.lombscargle(t, y, w)


def multitaper():
    t, y = beats()
    y = y[:1200]

    def work():
        tapers = ss.windows.dpss(1200, 4, 7)
        return (np.abs(np.fft.rfft(tapers * y, axis=1)) ** 2).mean(0)

    return work


def cubic_spline():
    t, y = beats()
    at = np.arange(t[0], t[-1], 0.25)
    return lambda: si.CubicSpline(t, y)(at)
