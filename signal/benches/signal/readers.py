"""The reader of wfdb."""

import wfdb
from recording import folder


def read_212():
    path = str(folder() / "mitdb" / "100")
    return lambda: wfdb.rdrecord(path)
