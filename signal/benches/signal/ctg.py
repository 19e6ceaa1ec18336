"""The autoencoder of fetal heart rate in PyTorch, with the weights of the crate and as many windows at once."""

import importlib.util
import json
import math
import pathlib
import struct

import torch

SIGNAL = pathlib.Path(__file__).parents[2]
WINDOWS = 60


def network():
    """The network of `tests/golden/ctg_vae.py` with the weights of the crate, in single precision."""
    spec = importlib.util.spec_from_file_location("ctg_vae", SIGNAL / "tests/golden/ctg_vae.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = (SIGNAL / "weights/ctg-vae.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    model = module.Network().eval()
    names = set(model.state_dict())
    state = {}
    for name, entry in header.items():
        if name in names:
            a, b = entry["data_offsets"]
            values = torch.frombuffer(bytearray(data[8 + length + a : 8 + length + b]), dtype=torch.float32)
            state[name] = values.reshape(entry["shape"])
    for name, shape in ((n, tuple(p.shape)) for n, p in model.state_dict().items()):
        if tuple(state[name].shape) != shape:
            state[name] = state[name].reshape(shape)
    model.load_state_dict(state)
    return model


def autoencoder():
    """Codes of four hours, and the traces again."""
    torch.set_num_threads(1)
    model = network()
    i = torch.arange(WINDOWS * 960, dtype=torch.float32)
    bpm = (138 + 9 * torch.sin(i / 70) + 2 * torch.cos(i / math.tau)).reshape(WINDOWS, 960)
    measured = torch.ones_like(bpm)

    def run():
        with torch.inference_mode():
            mean, _ = model.encode(bpm, measured)
            return model.decode(mean)

    return run
