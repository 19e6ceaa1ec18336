"""What eir-signal writes is read back by wfdb 4.3.1 and pyEDFlib 0.1.42 as they read the original.

    cargo build --release --example 03_convert
    python read_back.py target/release/examples/03_convert DATA

DATA is a folder with records (.hea, .edf, .bdf) and annotation files (.atr, .qrs). Every record is written in every
storage format that holds it, and as EDF+ and BDF+; every annotation file is written again. Prints what differs, and
`N equal, N different, N do not fit` last; ends with 1 if anything differs.

Compared exactly: digital values, missing samples, values of WFDB, rates, names, units, comments, times, annotations with
all their fields. Values of EDF: within 1e-12 of the largest, because EDF's header says its scale in decimal numbers.
"""

import datetime
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pyedflib
import wfdb

warnings.filterwarnings("ignore")
FORMATS = [16, 24, 32, 61, 80, 160, 212, 310, 311]
INVALID = {"80": -128, "508": -128, "310": -512, "311": -512, "212": -2048, "24": -(2**23), "524": -(2**23), "32": -(2**31), "8": None}
counts = {"equal": 0, "different": 0, "do not fit": 0}
convert, data = sys.argv[1], pathlib.Path(sys.argv[2])


def run(source, target, *options):
    done = subprocess.run([convert, str(source), str(target), *options], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr.strip()


def check(what, compare):
    try:
        wrong = compare()
    except Exception as error:  # the tool refuses the file
        wrong = [repr(error)]
    counts["different" if wrong else "equal"] += 1
    if wrong:
        print(f"{what}: {', '.join(wrong)}")


def skip(what, why):
    counts["do not fit"] += 1
    print(f"  {what}: {why[:150]}")


def digital(record):
    """Digital values with one number for a missing sample, whatever the format."""
    out = []
    for x, fmt in zip(record.e_d_signal, record.fmt):
        x = np.asarray(x, dtype=np.int64)
        invalid = INVALID.get(fmt, -(2**15))
        out.append(x if invalid is None else np.where(x == invalid, 2**40, x))
    return out


def expanded(path):
    """The digital values, all of each frame. wfdb 4.3.1 cannot give those of format 61 (the type of its numbers is
    big-endian, and it looks for their size in the type's name), so they are computed from the values then."""
    try:
        return wfdb.rdrecord(path, smooth_frames=False, physical=False)
    except ValueError:
        record = wfdb.rdrecord(path, smooth_frames=False)
        number = lambda x, g, b: np.where(np.isnan(x), -(2**15), np.round(np.nan_to_num(x) * g + b)).astype(np.int64)
        record.e_d_signal = [number(x, g, b) for x, g, b in zip(record.e_p_signal, record.adc_gain, record.baseline)]
        return record


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b))


def wfdb_pair(old, new):
    a, b = (expanded(str(p.with_suffix(""))) for p in (old, new))
    p, q = (wfdb.rdrecord(str(p.with_suffix("")), smooth_frames=False) for p in (old, new))
    wrong = []
    if not same(digital(a), digital(b)):
        wrong.append("digital values")
    if not same(p.e_p_signal, q.e_p_signal):
        wrong.append("values")
    if [int(c) % 65536 for c in b.checksum] != b.calc_checksum(expanded=True):
        wrong.append("checksums")
    for field in ["fs", "sig_len", "n_sig", "sig_name", "units", "adc_gain", "baseline", "samps_per_frame", "comments", "base_time", "base_date"]:
        if getattr(p, field) != getattr(q, field):
            wrong.append(f"{field}: {getattr(p, field)} {getattr(q, field)}")
    return wrong


def near(a, b):
    size = max(np.max(np.abs(a)), 1e-300) if len(a) else 1.0
    return len(a) == len(b) and np.all(np.abs(a - b) <= 1e-12 * size)


def wfdb_edf_pair(old, new):
    record = wfdb.rdrecord(str(old.with_suffix("")), smooth_frames=False)
    digits = expanded(str(old.with_suffix(""))).e_d_signal
    wrong = []
    with pyedflib.EdfReader(str(new)) as file:
        if file.signals_in_file != record.n_sig:
            return ["number of signals"]
        for k, values in enumerate(record.e_p_signal):
            # what was filled in is annotated, and may move the zero of the numbers
            known = ~np.isnan(values)
            read = file.readSignal(k)[: len(values)]
            if len(read) < len(values) or not near(values[known], read[known]):
                wrong.append(f"values of {k}")
            gaps = [o for o, t in zip(file.readAnnotations()[0], file.readAnnotations()[2]) if t == f"missing {record.sig_name[k]}"]
            if len(gaps) != np.sum(np.diff(np.concatenate([[1], known])) == -1):
                wrong.append(f"gaps of {k}")
            if not np.array_equal(digits[k][known], file.readSignal(k, digital=True)[: len(values)][known]):
                wrong.append(f"digital values of {k}")
            rate = record.fs * record.samps_per_frame[k]
            if abs(file.getSampleFrequency(k) / rate - 1) > 1e-12:
                wrong.append(f"rate of {k}")
            if file.getLabel(k) != record.sig_name[k][:16].strip():
                wrong.append(f"label of {k}")
        if record.base_datetime and file.getStartdatetime().replace(microsecond=0) != record.base_datetime.replace(microsecond=0):
            wrong.append("start")
    return wrong


def edf_pair(old, new):
    wrong = []
    with pyedflib.EdfReader(str(old)) as a, pyedflib.EdfReader(str(new)) as b:
        if a.signals_in_file != b.signals_in_file:
            return ["number of signals"]
        for k in range(a.signals_in_file):
            if not np.array_equal(a.readSignal(k, digital=True), b.readSignal(k, digital=True)):
                wrong.append(f"digital values of {k}")
            if not near(a.readSignal(k), b.readSignal(k)):
                wrong.append(f"values of {k}")
            for field in ["Label", "PhysicalDimension", "SampleFrequency"]:
                if getattr(a, f"get{field}")(k) != getattr(b, f"get{field}")(k):
                    wrong.append(f"{field} of {k}")
        for x, y in zip(a.readAnnotations(), b.readAnnotations()):
            if not (len(x) == len(y) and (np.allclose(x, y, atol=2e-7, rtol=0) if x.dtype.kind == "f" else list(x) == list(y))):
                wrong.append("annotations")
        if abs(a.getStartdatetime() - b.getStartdatetime()) > datetime.timedelta(microseconds=1):
            wrong.append("start")
    return wrong


def annotation_pair(old, new):
    a, b = (wfdb.rdann(str(p.with_suffix("")), p.suffix[1:]) for p in (old, new))
    fields = ["sample", "symbol", "subtype", "chan", "num", "fs"]
    wrong = [f for f in fields if not np.array_equal(np.asarray(getattr(a, f), dtype=object), np.asarray(getattr(b, f), dtype=object))]
    if [t.rstrip("\0") for t in a.aux_note] != [t.rstrip("\0") for t in b.aux_note]:
        wrong.append("aux_note")
    return wrong


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    headers = sorted(p for p in data.rglob("*.hea") if "multi-segment" not in p.parts)
    # a third of large collections of one kind says as much
    seen = {}
    for header in headers:
        seen.setdefault(header.parent.name, []).append(header)
    headers = [h for group in seen.values() for h in (group if len(group) < 40 else group[:12])]
    for header in headers:
        try:
            wfdb.rdrecord(str(header.with_suffix("")), physical=False, smooth_frames=False)
        except Exception:
            continue  # a header without its files
        for number in [None, *FORMATS]:
            target = folder / f"w{number or ''}.hea"
            error = run(header, target, *(["--format", str(number)] if number else []))
            what = f"{header.relative_to(data)} as {number or 'its own format'}"
            skip(what, error) if error else check(what, lambda: wfdb_pair(header, target))
        for extension in ["edf", "bdf"]:
            target = folder / f"e.{extension}"
            error = run(header, target) and run(header, target, "--fill", "0")
            what = f"{header.relative_to(data)} as {extension}"
            skip(what, error) if error else check(what, lambda: wfdb_edf_pair(header, target))
    for source in sorted([*data.rglob("*.edf"), *data.rglob("*.bdf")]):
        target = folder / f"again{source.suffix}"
        error = run(source, target)
        skip(str(source.relative_to(data)), error) if error else check(str(source.relative_to(data)), lambda: edf_pair(source, target))
    for source in sorted([*data.rglob("*.atr"), *data.rglob("*.qrs")]):
        target = folder / f"again{source.suffix}"
        error = run(source, target)
        target.with_suffix(".hea").unlink(missing_ok=True)
        if source.with_suffix(".hea").exists():
            shutil.copy(source.with_suffix(".hea"), target.with_suffix(".hea"))  # the clock of a file that does not say it
        skip(str(source.relative_to(data)), error) if error else check(str(source.relative_to(data)), lambda: annotation_pair(source, target))

print(", ".join(f"{n} {what}" for what, n in counts.items()))
sys.exit(bool(counts["different"]))
