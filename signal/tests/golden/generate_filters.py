"""Designs and filters of SciPy 1.17.1 on a random grid, for `tests/filters.rs`:

    python generate_filters.py > filters_scipy.json
"""

import json
import sys

import numpy as np
import scipy
import scipy.ndimage as nd
import scipy.signal as ss

assert scipy.__version__ == "1.17.1", scipy.__version__
rng = np.random.default_rng(20)
FAMILIES = ["butter", "cheby1", "cheby2", "ellip", "bessel"]
BANDS = ["lowpass", "highpass", "bandpass", "bandstop"]


def design(family, band, order, fs):
    """One design with its settings; the edges are 0.002 to 0.45 of the rate, a band at least an eighth of its centre."""
    q = {"family": family, "btype": band, "order": order, "fs": fs}
    edge = lambda: float(fs * np.exp(rng.uniform(np.log(0.002), np.log(0.45))))
    if band in ("lowpass", "highpass"):
        q["wn"] = edge()
    else:
        low, high = sorted((edge(), edge()))
        while high < 1.13 * low:
            low, high = sorted((edge(), edge()))
        q["wn"] = [low, high]
    keywords = {"btype": band, "fs": fs, "output": "sos"}
    rp, rs = float(np.exp(rng.uniform(np.log(0.005), np.log(3)))), float(rng.uniform(15, 100))
    if family == "butter":
        q["sos"] = ss.butter(order, q["wn"], **keywords)
    elif family == "cheby1":
        q["rp"], q["sos"] = rp, ss.cheby1(order, rp, q["wn"], **keywords)
    elif family == "cheby2":
        q["rs"], q["sos"] = rs, ss.cheby2(order, rs, q["wn"], **keywords)
    elif family == "ellip":
        q["rp"], q["rs"], q["sos"] = rp, rs, ss.ellip(order, rp, rs, q["wn"], **keywords)
    else:
        q["norm"] = str(rng.choice(["phase", "delay", "mag"]))
        q["sos"] = ss.bessel(order, q["wn"], norm=q["norm"], **keywords)
    return q


def clean(value):
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [clean(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


designs = []
for family in FAMILIES:
    for band in BANDS:
        for _ in range(6):
            designs.append(design(family, band, int(rng.integers(1, 9)), float(rng.choice([4, 100, 250, 360, 1000]))))
        designs.append(design(family, band, int(rng.integers(9, 13)), 360.0))

x = np.round(rng.normal(size=60), 3)
sos = ss.butter(3, [5, 40], "bandpass", fs=250, output="sos")
zero_phase = [
    {"padtype": kind, "padlen": n, "y": ss.sosfiltfilt(sos, x, padtype=kind, padlen=n)}
    for kind in ("odd", "even", "constant", None)
    for n in (0, 7, 59)
]
bands = [
    (31, [0, 10, 15, 125], [1, 1, 0, 0], None),
    (73, [0, 30, 40, 125], [1, 1, 0, 0], [1, 10]),
    (101, [0, 0.3, 0.7, 40, 45, 125], [0, 0, 1, 1, 0, 0], [100, 1, 3]),
    (21, [0, 100], [0, 1], None),
    (1, [0, 20, 30, 60], [1, 1, 0, 0], None),
]
least_squares = [
    {"taps": n, "bands": b, "desired": d, "weight": w, "h": ss.firls(n, b, d, weight=w, fs=250)} for n, b, d, w in bands
]
windows = [
    {"taps": n, "cutoff": c, "window": w, "pass_zero": p, "h": ss.firwin(n, c, window=w, pass_zero=p, fs=250)}
    for n, c, w, p in [
        (25, [10, 20, 50], "blackman", True),
        (26, [10, 20], "nuttall", False),
        (31, [10, 20, 50, 90], ("kaiser", 6.5), True),
        (31, [60], "blackmanharris", False),
        (16, [30], "boxcar", True),
        (17, [30], "bartlett", True),
        (18, [30], "flattop", True),
    ]
]
MODES = ["reflect", "mirror", "nearest", "constant", "wrap"]
smooth = {
    "boxcar": [{"k": k, "mode": m, "y": nd.uniform_filter1d(x, k, mode=m)} for k in (4, 9) for m in MODES],
    "median": [{"k": k, "mode": m, "y": nd.median_filter(x, k, mode=m)} for k in (5, 31) for m in MODES],
    "savgol": [
        {"k": k, "degree": p, "deriv": d, "mode": m, "y": ss.savgol_filter(x, k, p, deriv=d, delta=0.5, mode=m)}
        for k, p, d in [(9, 2, 0), (15, 5, 1), (31, 4, 3)]
        for m in ("interp", "mirror", "nearest", "constant", "wrap")
    ],
}
resampled = {
    "poly": [{"up": u, "down": d, "y": ss.resample_poly(x, u, d)} for u, d in [(7, 3), (3, 7), (1, 6), (25, 36), (13, 1)]],
    "fft": [{"num": n, "y": ss.resample(x, n)} for n in (59, 60, 61, 17, 30, 121)],
    "decimate": [
        {"q": q, "ftype": f, "zero_phase": z, "y": ss.decimate(x, q, ftype=f, zero_phase=z)}
        for q in (2, 7)
        for f in ("iir", "fir")
        for z in (True, False)
    ],
    # SciPy takes break points with a line only
    "detrend": [
        {"type": t, "bp": b, "y": ss.detrend(x, type=t, bp=b)}
        for t, b in (("linear", [0]), ("linear", [7, 30]), ("constant", [0]))
    ],
}
out = {
    "scipy": scipy.__version__,
    "designs": designs,
    "x": x,
    "zero_phase": {"sos": sos, "cases": zero_phase},
    "firls": least_squares,
    "firwin": windows,
    "smooth": smooth,
    "resampled": resampled,
}
json.dump(clean(out), sys.stdout, separators=(",", ":"))
sys.stdout.write("\n")
