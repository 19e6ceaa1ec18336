"""The readers of wfdb and pyEDFlib: the values of all signals, from the file."""

import pyedflib
import wfdb
from recording import folder


def read_212():
    path = str(folder() / "mitdb" / "100")
    return lambda: wfdb.rdrecord(path)


def read_annotations():
    path = str(folder() / "mitdb" / "100")
    return lambda: wfdb.rdann(path, "atr")


def read_flac():
    path = str(folder() / "wfdb_formats" / "mixedsignals")
    return lambda: wfdb.rdrecord(path, smooth_frames=False)


def _edf(name):
    path = str(folder() / "edf" / name)

    def read():
        with pyedflib.EdfReader(path) as file:
            return [file.readSignal(k) for k in range(file.signals_in_file)], file.readAnnotations()

    return read


def read_bdf():
    return _edf("test_generator.bdf")


def read_edf():
    return _edf("test_subsecond.edf")
