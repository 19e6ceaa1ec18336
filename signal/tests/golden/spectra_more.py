#!/usr/bin/env python3
"""Values of SciPy 1.17.1 and PyWavelets 1.9.0 for random parameters: `spectra_more.py OUT.json [SEED [CASES]]`.

Signals are not stored: `signal(seed, n, levels)` is made again by the test. `levels` 0 is a plain sequence, else the
values are whole numbers below it, so that flat tops and equal heights are common.
"""

import json
import random
import sys
import warnings

import numpy as np
import pywt
import scipy.interpolate as si
import scipy.signal as ss

warnings.filterwarnings("ignore")


def lcg(seed, n):
    x, out = seed, np.empty(n)
    for i in range(n):
        x = (1664525 * x + 1013904223) % 2**32
        out[i] = x / 2**32
    return out


def signal(seed, n, levels):
    u = lcg(seed, n)
    if levels:
        return np.floor(u * levels)
    return u - 0.5 + np.sin(0.37 * np.arange(n)) + 0.01 * np.arange(n)


def keep(values, count=24):
    """At most `count` values, evenly over the array, and how many there are."""
    values = np.asarray(values)
    step = max(1, -(-values.size // count))
    part = values.ravel()[::step]
    if np.iscomplexobj(part):
        part = np.stack([part.real, part.imag], 1).ravel()
    return {"size": int(values.size), "step": step, "values": [float(v) for v in part], "largest": float(np.abs(values).max()) if values.size else 0.0}


def peaks(r, seed):
    n, levels = r.randrange(3, 160), r.choice([0, 0, 2, 3, 5, 9, 40])
    x = signal(seed, n, levels)
    args = {}
    low = lambda a, b: r.choice([[r.uniform(a, b), None], [None, r.uniform(a, b)], sorted([r.uniform(a, b), r.uniform(a, b)])])
    top = levels or 2
    for name, value in [("height", low(-0.5 * top, top)), ("threshold", low(0, 0.5 * top)), ("prominence", low(0, top)), ("width", low(0, 8)), ("plateau_size", low(0, 4))]:
        if r.random() < 0.3:
            args[name] = value
    # equal heights nearer than the distance are chosen by the order of an unstable sort: only without them
    if levels == 0 and r.random() < 0.5:
        args["distance"] = r.choice([1, 2, 3.5, 7, 20])
    if r.random() < 0.3:
        args["rel_height"] = r.uniform(0, 1)
    if r.random() < 0.3:
        args["wlen"] = r.randrange(2, 60)
    if "width" not in args and "prominence" not in args:
        args["width"] = [0, None]
    found, p = ss.find_peaks(x, **{k: tuple(v) if isinstance(v, list) else v for k, v in args.items()})
    return {"seed": seed, "n": n, "levels": levels, "args": args, "peaks": found.tolist(), "props": {k: [float(q) for q in v] for k, v in p.items()}}


def lomb(r, seed):
    n, m = r.randrange(5, 90), r.randrange(1, 40)
    factor = r.choice([10, 300])
    t = lcg(seed, n) * factor
    y = signal(seed + 1, n, 0)
    w = 2 * np.pi * (0.01 + lcg(seed + 2, m) * r.choice([0.5, 3]))
    weights = r.random() < 0.5
    floating, kind = r.random() < 0.5, r.choice(["power", "normalize", "amplitude"])
    v = lcg(seed + 3, n) if weights else None
    p = ss.lombscargle(t, y, w, weights=v, floating_mean=floating, normalize=kind)
    return {"seed": seed, "n": n, "m": m, "t_factor": factor, "w": w.tolist(), "weights": weights, "floating": floating, "kind": kind, "p": keep(np.atleast_1d(p), 40)}


def spectra(r, seed):
    n = r.randrange(40, 500)
    x, y = signal(seed, n, 0), signal(seed + 1, n, 0)
    nperseg = r.randrange(4, min(n, 130))
    q = {"window": r.choice(["hann", "hamming", "boxcar", "blackman", "cosine"]), "nperseg": nperseg, "noverlap": r.randrange(0, nperseg), "nfft": nperseg + r.choice([0, 1, 17, 64])}
    d = r.choice(["constant", "linear", False])
    average, scaling = r.choice(["mean", "median"]), r.choice(["density", "spectrum"])
    fs = r.choice([1.0, 4.0, 250.0])
    _, c = ss.csd(x, y, fs=fs, **q, detrend=d, scaling=scaling, average=average)
    # without a taper, what is left at 0 Hz of a level segment is rounding
    _, k = ss.coherence(x, y, fs=fs, **q, detrend=d if q["window"] != "boxcar" else False)
    _, t, s = ss.spectrogram(x, fs=fs, **q, detrend=d, scaling=scaling)
    _, w = ss.welch(x, fs=fs, **q, detrend=d, scaling=scaling, average=average)
    long = n + r.choice([0, 1, 37])
    _, g = ss.periodogram(x, fs=fs, window=q["window"], nfft=long, detrend=d, scaling=scaling)
    return {"seed": seed, "n": n, "fs": fs, **q, "detrend": d, "average": average, "scaling": scaling, "csd": keep(c), "coherence": keep(k), "spectrogram": keep(s.T), "times": keep(t), "welch": keep(w), "long": long, "periodogram": keep(g), "hilbert": keep(ss.hilbert(x).imag)}


def curves(r, seed):
    n = r.randrange(2, 30)
    x = np.cumsum(lcg(seed, n) + 0.01)
    y = signal(seed + 1, n, r.choice([0, 0, 3]))
    levels = 3 if np.all(y == np.floor(y)) else 0
    at = x[0] + (x[-1] - x[0]) * lcg(seed + 2, 40)
    slopes = [r.uniform(-2, 2), r.uniform(-2, 2)]
    ends = [r.choice(["not-a-knot", "natural", "clamped"]) for _ in range(2)]
    bc = [{"not-a-knot": "not-a-knot", "natural": (2, 0.0), "clamped": (1, s)}[e] for e, s in zip(ends, slopes)]
    spline = si.CubicSpline(x, y, bc_type=tuple(bc))
    out = {"spline": spline(at), "slope": spline(at, 1), "beyond": spline(np.array([x[0] - 0.3, x[-1] + 0.3])), "pchip": si.PchipInterpolator(x, y)(at), "akima": si.Akima1DInterpolator(x, y)(at), "makima": si.Akima1DInterpolator(x, y, method="makima")(at)}
    return {"seed": seed, "n": n, "levels": levels, "ends": ends, "slopes": slopes, **{k: keep(v) for k, v in out.items()}}


def wavelets(r, seed):
    n = r.randrange(1, 200)
    x = signal(seed, n, 0)
    w = r.choice([v for v in pywt.wavelist(kind="discrete") if v not in ("dmey", "sym20")])
    mode = r.choice(pywt.Modes.modes)
    a, d = pywt.dwt(x, w, mode)
    u, v = signal(seed + 1, a.size, 0), signal(seed + 2, a.size, 0)
    level = r.randrange(1, n.bit_length()) if n > 1 else 0
    out = {"a": a, "d": d, "idwt": pywt.idwt(u, v, w, mode)}
    if level:
        out["deepest"] = np.concatenate(pywt.wavedec(x, w, mode, level)[:2])
    s_level = r.randrange(1, 5)
    m = 2**s_level * r.randrange(1, 40)
    z = signal(seed + 3, m, 0)
    parts = pywt.swt(z, w, s_level)
    out["swt_a"], out["swt_d"] = parts[0]
    changed = [(p, np.where(np.abs(q) < 0.5, 0, q)) for p, q in parts]
    out["iswt"] = pywt.iswt(changed, w)
    return {"seed": seed, "n": n, "wavelet": w, "mode": mode, "level": level, "swt_level": s_level, "swt_n": m, **{k: keep(q) for k, q in out.items()}}


def cwt(r, seed):
    n = r.randrange(1, 300)
    names = ["morl", "mexh", "cmor1.5-1.0", "cmor2.31-0.77", "shan0.7-1.3", "fbsp2-1.1-0.9"] + [f"{f}{k}" for f in ("gaus", "cgau") for k in range(1, 9)]
    w, scales = r.choice(names), sorted(r.uniform(0.6, 40) for _ in range(3))
    c, f = pywt.cwt(signal(seed, n, 0), scales, w)
    return {"seed": seed, "n": n, "wavelet": w, "scales": scales, "freqs": keep(f), "coefs": keep(c, 36)}


KINDS = {"peaks": (peaks, 8), "lomb": (lomb, 2), "spectra": (spectra, 2), "curves": (curves, 2), "wavelets": (wavelets, 2), "cwt": (cwt, 1)}


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    cases = int(sys.argv[3]) if len(sys.argv) > 3 else 12
    r = random.Random(seed)
    out = {kind: [make(r, r.randrange(1, 2**31)) for _ in range(cases * times)] for kind, (make, times) in KINDS.items()}
    with open(sys.argv[1], "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


main()
