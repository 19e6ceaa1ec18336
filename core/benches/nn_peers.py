"""The peers of `eir-core`'s layers: PyTorch's on the processor, and MobileNetV2 in ONNX Runtime, one thread each."""

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from serve import serve

torch.set_num_threads(1)
torch.manual_seed(1)


def layer(function, shape, weight, channels_last=False, **settings):
    x, w, b = torch.randn(shape), torch.randn(weight), torch.randn(weight[0])
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
        w = w.to(memory_format=torch.channels_last)

    def work():
        with torch.inference_mode():
            return function(x, w, b, **settings)

    return work


def conv1d():
    return layer(F.conv1d, (1, 64, 4800), (64, 64, 5), dilation=16, padding=32)


def depthwise():
    return layer(F.conv2d, (1, 96, 112, 112), (96, 1, 3, 3), padding=1, groups=96)


def depthwise_channels_last():
    return layer(F.conv2d, (1, 96, 112, 112), (96, 1, 3, 3), channels_last=True, padding=1, groups=96)


def pointwise():
    return layer(F.conv2d, (1, 96, 112, 112), (24, 96, 1, 1))


def conv2d():
    return layer(F.conv2d, (1, 64, 56, 56), (64, 64, 3, 3), padding=1)


def conv3d():
    return layer(F.conv3d, (1, 16, 64, 64, 64), (16, 16, 3, 3, 3), padding=1)


def mobilenet_v2():
    """Batch norms folded, as ONNX Runtime itself would."""
    rng = np.random.default_rng(1)
    nodes, tensors = [], []

    def tensor(*shape):
        scale = np.sqrt(3 / max(1, int(np.prod(shape[1:]))))
        values = (rng.uniform(-1, 1, shape) * scale).astype(np.float32)
        tensors.append(numpy_helper.from_array(values, f"t{len(tensors)}"))
        return tensors[-1].name

    def node(kind, inputs, **settings):
        nodes.append(helper.make_node(kind, inputs, [f"n{len(nodes)}"], **settings))
        return nodes[-1].output[0]

    for name, bound in (("zero", 0), ("six", 6)):
        tensors.append(numpy_helper.from_array(np.array(bound, np.float32), name))

    def conv(x, inputs, outputs, kernel=1, stride=1, groups=1, clip=True):
        weight = tensor(outputs, inputs // groups, kernel, kernel)
        pads = [kernel // 2] * 4
        x = node("Conv", [x, weight, tensor(outputs)], strides=[stride] * 2, pads=pads, group=groups)
        return node("Clip", [x, "zero", "six"]) if clip else x

    x, channels = conv("input", 3, 32, 3, 2), 32
    for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for stride in [s] + [1] * (n - 1):
            wide = channels * t
            y = conv(x, channels, wide) if t > 1 else x
            y = conv(y, wide, wide, 3, stride, wide)
            y = conv(y, wide, c, clip=False)
            x = node("Add", [x, y]) if stride == 1 and channels == c else y
            channels = c
    x = node("GlobalAveragePool", [conv(x, channels, 1280)])
    x = node("Gemm", [node("Flatten", [x]), tensor(1000, 1280), tensor(1000)], transB=1)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "mobilenet_v2", [value("input", [1, 3, 224, 224])], [value(x, [1, 1000])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    picture = rng.uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32)
    return lambda: session.run(None, {"input": picture})


serve(globals())
