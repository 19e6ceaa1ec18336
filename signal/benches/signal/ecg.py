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


def peaks_xqrs():
    from wfdb import processing

    x = ecg()

    def run():
        detector = processing.XQRS(sig=x, fs=RATE)
        detector.detect(verbose=False)
        return detector.qrs_inds

    return run


def peaks(method, cleaning=None):
    x = ecg()
    return lambda: nk.ecg_peaks(
        nk.ecg_clean(x, sampling_rate=RATE, method=cleaning or method), sampling_rate=RATE, method=method
    )


def peaks_hamilton():
    return peaks("hamilton2002")


def peaks_elgendi():
    return peaks("elgendi2010")


def peaks_khamis():
    return peaks("khamis2016", "neurokit")


def delineate_dwt():
    cleaned = nk.ecg_clean(ecg(), sampling_rate=RATE)
    found = nk.ecg_peaks(cleaned, sampling_rate=RATE)[1]["ECG_R_Peaks"]
    return lambda: nk.ecg_delineate(cleaned, found, sampling_rate=RATE, method="dwt")
