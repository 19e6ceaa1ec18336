"""The detectors of NeuroKit2 and wfdb."""

import neurokit2 as nk
from recording import RATE, ecg


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
