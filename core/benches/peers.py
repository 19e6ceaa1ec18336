"""The peers of `eir-core`: `topic.function` is a function of `core/topic.py`."""

import importlib
import pathlib
import sys

from serve import serve

sys.path.insert(0, str(pathlib.Path(__file__).parent / "core"))


class Topics(dict):
    def __missing__(self, name):
        topic, function = name.split(".")
        return getattr(importlib.import_module(topic), function)


serve(Topics())
