"""Heart-rate variability and entropies of NeuroKit2 and antropy, on the inputs of `hrv.rs`."""

import neurokit2 as nk
import numpy as np


def random(n):
    """The linear congruence of `hrv.rs`, between 0 and 1."""
    out, state = np.empty(n), 1
    for i in range(n):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        out[i] = state / 4294967295
    return out


def intervals(n=2272):
    i = np.arange(n)
    wave = 800 + 40 * np.sin(2 * np.pi * 0.08 * i) + 25 * np.sin(2 * np.pi * 0.25 * i + 0.5)
    return wave + 30 * (random(n) - 0.5)


def series():
    rr = intervals()
    return {"RRI": rr, "RRI_Time": np.cumsum(rr) / 1000}


def time_domain():
    s = series()
    return lambda: nk.hrv_time(s)


def frequency():
    s = series()
    return lambda: nk.hrv_frequency(s, psd_method="welch", normalize=False, interpolation_rate=4, silent=True)


def nonlinear():
    s = series()
    return lambda: nk.hrv_nonlinear(s)


def artefacts():
    rr = intervals()
    rr[300::300] *= 0.6
    peaks = np.concatenate([[0], np.cumsum(rr)]).astype(int)
    return lambda: nk.signal_fixpeaks(peaks, sampling_rate=1000, iterative=True, method="Kubios")


def fuzzy():
    rr = intervals()
    r = 0.2 * np.std(rr, ddof=1)
    return lambda: nk.entropy_fuzzy(rr, delay=1, dimension=2, tolerance=r)


def multiscale():
    rr = intervals()
    r = 0.2 * np.std(rr, ddof=1)
    return lambda: nk.entropy_multiscale(rr, dimension=2, tolerance=r, method="MSEn")


def sample_antropy():
    import antropy

    x = random(20000)
    return lambda: antropy.sample_entropy(x, order=2)


def sample_short_antropy():
    import antropy

    x = intervals()
    return lambda: antropy.sample_entropy(x, order=2)


def approximate_antropy():
    import antropy

    x = intervals()
    return lambda: antropy.app_entropy(x, order=2)


def permutation_antropy():
    import antropy

    x = intervals()
    return lambda: antropy.perm_entropy(x, order=3, normalize=True)


def dfa_antropy():
    import antropy

    x = intervals()
    return lambda: antropy.detrended_fluctuation(x)


def higuchi_antropy():
    import antropy

    x = intervals()
    return lambda: antropy.higuchi_fd(x, kmax=10)


def lempel_ziv_antropy():
    import antropy

    x = intervals()
    symbols = (x > np.median(x)).astype("u1")
    return lambda: antropy.lziv_complexity(symbols, normalize=True)


def live():
    """One second of a monitor: the measures of the last 300 intervals, computed anew."""
    rr = intervals(300)
    s = {"RRI": rr, "RRI_Time": np.cumsum(rr) / 1000}
    return lambda: nk.hrv_time(s)
