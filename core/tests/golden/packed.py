"""The values of `packed.json`: PyTorch's packed layers, one after the other, in f64.

Weights are formulas, the same in `core/src/weights/module.rs`. Made with torch 2.15.0:
`python core/tests/golden/packed.py > core/tests/golden/packed.json`.
"""

import json

import torch

layers = torch.nn.ModuleDict({
    "lstm": torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
    "gru": torch.nn.GRU(8, 5, num_layers=2, batch_first=True),
    "once": torch.nn.LSTM(5, 6, batch_first=True),
    "attention": torch.nn.MultiheadAttention(6, 2, batch_first=True),
}).double()
tensors = sorted(layers.state_dict().items())
for k, (name, tensor) in enumerate(tensors):
    i = torch.arange(tensor.numel(), dtype=torch.float64)
    # rounded to f32, as in a file
    tensor.copy_((0.5 * torch.sin(0.7 * i + (k + 1))).float().double().reshape(tensor.shape))
x = torch.cos(0.3 * torch.arange(2 * 7 * 3, dtype=torch.float64)).float().double().reshape(2, 7, 3)
outputs = {}
with torch.no_grad():
    for name in ("lstm", "gru", "once"):
        x = layers[name](x)[0]
        outputs[name] = x
    outputs["attention"] = layers["attention"](x, x, x, need_weights=False)[0]
print(json.dumps({
    "torch": torch.__version__,
    "tensors": [[name, list(tensor.shape)] for name, tensor in tensors],
    "outputs": {name: value.flatten().tolist() for name, value in outputs.items()},
}, indent=None))
