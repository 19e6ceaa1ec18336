"""The recording that most rows share."""

import os
import pathlib

import numpy as np

RATE = 360
SECONDS = 1800


def folder():
    """The folder with real records, or nothing."""
    beside = pathlib.Path(__file__).resolve().parents[4] / "shared"
    shared = pathlib.Path(os.environ.get("EIR_SHARED", beside)) / "data" / "signal"
    return shared if shared.is_dir() else None


def ecg():
    data = folder()
    if data is not None:
        import wfdb

        return np.ascontiguousarray(wfdb.rdrecord(str(data / "mitdb" / "100"), channels=[0]).p_signal[:, 0])
    t = np.arange(SECONDS * RATE) / RATE
    u = t % 0.8 - 0.4
    return np.exp(-((u / 0.012) ** 2)) + 0.2 * np.exp(-(((u - 0.25) / 0.05) ** 2)) + 0.05 * np.sin(2 * np.pi * 0.3 * t)
