"""The peers of `eir-signal`: `topic.function` is a function of `signal/topic.py`."""

import importlib
import pathlib
import sys
import warnings

from serve import serve

warnings.filterwarnings("ignore")
sys.path.insert(0, str(pathlib.Path(__file__).parent / "signal"))


class Topics(dict):
    def __missing__(self, name):
        topic, function = name.split(".")
        return getattr(importlib.import_module(topic), function)


serve(Topics())
