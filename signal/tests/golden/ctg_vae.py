"""The CTG autoencoder in PyTorch with weights and windows of a formula: writes ctg_vae.json.

    python ctg_vae.py            (torch 2.15.0, float64)

`tests/ctg_networks.rs` makes the same weights and windows and compares.
"""

import json
import math
import pathlib

import torch
from torch import nn

SAMPLES, PATCH, STEPS, GLOBAL, LOCAL, WIDTH = 960, 30, 32, 24, 3, 48


class Block(nn.Module):
    def __init__(self, dilation):
        super().__init__()
        self.wide = nn.Conv1d(WIDTH, WIDTH, 3, dilation=dilation, padding=dilation)
        self.narrow = nn.Conv1d(WIDTH, WIDTH, 1)

    def forward(self, x):
        return torch.relu(x + self.narrow(torch.relu(self.wide(x))))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        blocks = lambda: nn.ModuleList(Block(d) for d in (1, 2, 4, 8))
        self.stem = nn.Conv1d(2 * PATCH + 1, WIDTH, 3, padding=1)
        self.encoder = blocks()
        self.local = nn.Conv1d(WIDTH, 2 * LOCAL, 1)
        self.direct = nn.Conv1d(2 * PATCH + 1, 2 * LOCAL, 3, padding=1)
        self.pooled = nn.Linear(WIDTH, WIDTH)
        setattr(self, "global", nn.Linear(WIDTH, 2 * GLOBAL))
        self.read = nn.Linear(GLOBAL, 3)
        self.start = nn.Conv1d(GLOBAL + LOCAL, WIDTH, 3, padding=1)
        self.decoder = blocks()
        self.end = nn.Conv1d(WIDTH, PATCH, 3, padding=1)
        self.shape = nn.Conv1d(GLOBAL + LOCAL, PATCH, 3, padding=1)

    def encode(self, bpm, measured):
        n = len(bpm)
        patches = lambda x: x.reshape(n, STEPS, PATCH).transpose(1, 2)
        mean = (bpm * measured).sum(1, keepdim=True) / measured.sum(1, keepdim=True).clamp_min(1)
        level = ((mean - 140) / 20).reshape(n, 1, 1).expand(n, 1, STEPS)
        x = torch.cat([patches((bpm - mean) / 10), patches(measured), level], 1)
        h = torch.relu(self.stem(x))
        for block in self.encoder:
            h = block(h)
        local = self.local(h) + self.direct(x)
        share = patches(measured).mean(1, keepdim=True)
        pooled = (h * share / share.sum(2, keepdim=True).clamp_min(1e-6)).sum(2)
        whole = getattr(self, "global")(torch.relu(self.pooled(pooled)))
        parts = []
        for k in range(2):
            parts.append(torch.cat([whole[:, k * GLOBAL:(k + 1) * GLOBAL], local[:, k * LOCAL:(k + 1) * LOCAL].reshape(n, -1)], 1))
        return parts[0], 10 * torch.tanh(parts[1] / 10)

    def decode(self, z):
        n = len(z)
        whole = z[:, :GLOBAL].reshape(n, GLOBAL, 1).expand(n, GLOBAL, STEPS)
        z = torch.cat([whole, z[:, GLOBAL:].reshape(n, LOCAL, STEPS)], 1)
        h = torch.relu(self.start(z))
        for block in self.decoder:
            h = block(h)
        return 10 * (self.end(h) + self.shape(z)).transpose(1, 2).reshape(n, SAMPLES) + 140


def filled(model):
    """Weights of a formula: sin(0.7 i + k) / sqrt(inputs), k the place of the tensor's name in their order."""
    with torch.no_grad():
        for k, (name, p) in enumerate(sorted(model.named_parameters())):
            inputs = 10 if p.dim() == 1 else p[0].numel()
            i = torch.arange(p.numel(), dtype=torch.float64)
            # as the weights file stores them
            p.copy_((torch.sin(0.7 * i + k) / math.sqrt(inputs)).float().double().reshape(p.shape))
    return model


def windows(count):
    """Heart rates of a formula, every third with a gap."""
    i = torch.arange(SAMPLES, dtype=torch.float64)
    bpm = torch.stack([130 + 5 * w + 8 * torch.sin(i / (50 + w)) + 2 * torch.cos(i / 6.1) for w in range(count)])
    bpm = bpm.float().double()
    measured = torch.ones_like(bpm)
    for w in range(0, count, 3):
        measured[w, 100 + 50 * w:300 + 50 * w] = 0
        a, b = 99 + 50 * w, 300 + 50 * w
        steps = torch.arange(1, b - a, dtype=torch.float64) / (b - a)
        bpm[w, a + 1:b] = bpm[w, a] + (bpm[w, b] - bpm[w, a]) * steps
    return bpm, measured


def main():
    model = filled(Network().double())
    bpm, measured = windows(4)
    with torch.no_grad():
        mean, log_variance = model.encode(bpm, measured)
        again = model.decode(mean)
    out = {
        "torch": torch.__version__.split("+")[0],
        "mean": mean.tolist(),
        "log_variance": log_variance.tolist(),
        "again_every_16th": again[:, ::16].tolist(),
    }
    path = pathlib.Path(__file__).with_name("ctg_vae.json")
    path.write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
