"""The same work in SciPy, NeuroKit2 and wfdb. Each function prepares its input and returns what is timed."""

import os
import pathlib
import tempfile
import warnings

import numpy as np
import scipy.signal as ss
from serve import serve

warnings.filterwarnings("ignore")
import neurokit2 as nk
import wfdb

RATE = 360
SECONDS = 1800


def folder():
    """The folder with real records; without it, the ECG that the Rust side makes as well."""
    beside = pathlib.Path(__file__).resolve().parents[3] / "shared"
    shared = pathlib.Path(os.environ.get("EIR_SHARED", beside)) / "data" / "signal"
    return shared if shared.is_dir() else None


def ecg():
    data = folder()
    if data is not None:
        return np.ascontiguousarray(wfdb.rdrecord(str(data / "mitdb" / "100"), channels=[0]).p_signal[:, 0])
    t = np.arange(SECONDS * RATE) / RATE
    u = t % 0.8 - 0.4
    return np.exp(-((u / 0.012) ** 2)) + 0.2 * np.exp(-(((u - 0.25) / 0.05) ** 2)) + 0.05 * np.sin(2 * np.pi * 0.3 * t)


def sosfiltfilt():
    x, sos = ecg(), ss.butter(4, [0.5, 40], "bandpass", fs=RATE, output="sos")
    return lambda: ss.sosfiltfilt(sos, x)


def sosfilt():
    x, sos = ecg(), ss.butter(4, [0.5, 40], "bandpass", fs=RATE, output="sos")
    return lambda: ss.sosfilt(sos, x)


def peaks_neurokit():
    x = ecg()
    return lambda: nk.ecg_peaks(nk.ecg_clean(x, sampling_rate=RATE), sampling_rate=RATE)


def peaks_pantompkins():
    x = ecg()
    method = "pantompkins1985"
    return lambda: nk.ecg_peaks(nk.ecg_clean(x, sampling_rate=RATE, method=method), sampling_rate=RATE, method=method)


def peaks_gqrs():
    from wfdb import processing

    x = ecg()
    return lambda: processing.gqrs_detect(sig=x, fs=RATE)


def hrv_time():
    rr = 800 + 40 * np.sin(2 * np.pi * 0.08 * np.arange(2272)) + 25 * np.sin(2 * np.pi * 0.25 * np.arange(2272) + 0.5)
    series = {"RRI": rr, "RRI_Time": np.cumsum(rr) / 1000}
    return lambda: nk.hrv_time(series)


def read_212():
    data = folder()
    if data is None:
        place = tempfile.mkdtemp()
        x = np.stack([ecg(), ecg()], 1)
        wfdb.wrsamp("x", RATE, ["mV", "mV"], ["a", "b"], p_signal=x, fmt=["212", "212"], adc_gain=[200, 200], baseline=[0, 0], write_dir=place)
        return lambda: wfdb.rdrecord(os.path.join(place, "x"))
    return lambda: wfdb.rdrecord(str(data / "mitdb" / "100"))


serve(globals())
