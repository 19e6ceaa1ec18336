"""The same work in onnxruntime, OpenCV and SciPy, one thread."""

import os
from pathlib import Path

import numpy as np
from serve import serve

SHARED = Path(os.environ.get("EIR_SHARED") or Path(__file__).resolve().parents[3] / "shared")


def session_of(name):
    import onnxruntime as ort

    ort.set_default_logger_severity(3)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = SHARED / "data/vision/weights" / f"{name}.onnx"
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def load_blazepose_full():
    return lambda: session_of("blazepose_full")


NETWORKS = {
    "blazepose_detector": ((3, 224, 224), -1, 1, True),
    "blazepose_full": ((3, 256, 256), 0, 1, True),
    "blazepose_lite": ((3, 256, 256), 0, 1, True),
    "movenet_lightning": ((3, 192, 192), 0, 255, True),
    "yolox_nano": ((3, 416, 416), 0, 255, False),
    "facemesh_v2_478": ((3, 256, 256), 0, 1, True),
    "face_blendshapes": ((146, 2), 0, 200, False),
}


def input_of(name):
    shape, low, high, channels_last = NETWORKS[name]
    values = low + (high - low) * ((np.arange(np.prod(shape)) * 7919) % 1000) / 1000
    planes = values.astype(np.float32).reshape(shape)
    return np.ascontiguousarray(planes.transpose(1, 2, 0) if channels_last else planes)[None]


def in_onnxruntime(name):
    session, x = session_of(name), input_of(name)
    return lambda: session.run(None, {session.get_inputs()[0].name: x})


def in_pytorch(name):
    """The same graph as a PyTorch module: what is stored in half precision is widened first."""
    import onnx
    import torch
    from onnx import numpy_helper
    from onnx2torch import convert

    torch.set_num_threads(1)
    model = onnx.load(SHARED / "data/vision/weights" / f"{name}.onnx")
    stored = {value.name: value for value in model.graph.initializer}
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type == "Cast" and node.input[0] in stored:
            value = numpy_helper.to_array(stored[node.input[0]]).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
        else:
            model.graph.node.append(node)
    module, x = convert(model).eval(), torch.from_numpy(input_of(name))

    def run():
        with torch.inference_mode():
            found = module(x)
        return found if isinstance(found, (list, tuple)) else [found]

    for found, wanted in zip(run(), in_onnxruntime(name)(), strict=True):
        if np.abs(found.numpy() - wanted).max() > 1e-3 * np.abs(wanted).max():
            raise ValueError("the module's outputs are not onnxruntime's")
    return run


# `<network>` is the network in onnxruntime, `<network>_torch` in PyTorch
for _name in NETWORKS:
    globals()[_name] = lambda name=_name: in_onnxruntime(name)
    globals()[f"{_name}_torch"] = lambda name=_name: in_pytorch(name)


def full_hd():
    return ((np.arange(1920 * 1080 * 3) * 7919) % 251).astype(np.uint8).reshape(1080, 1920, 3)


def warp(picture, matrix, side, border):
    import cv2

    cv2.setNumThreads(1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (side, side), flags=flags, borderMode=border)


TURNED = np.array([[2.7, -0.9, 640.0], [0.9, 2.7, 90.0]])


def crop():
    import cv2

    picture = full_hd()
    return lambda: warp(picture, TURNED, 256, cv2.BORDER_REPLICATE)


def crop_planes():
    import cv2

    picture = full_hd()
    return lambda: cv2.dnn.blobFromImage(warp(picture, TURNED, 256, cv2.BORDER_REPLICATE), 1 / 255)


def resized(size, how):
    import cv2

    cv2.setNumThreads(1)
    picture = full_hd()
    return lambda: cv2.resize(picture, size, interpolation=getattr(cv2, how))


def resize_linear():
    return resized((640, 360), "INTER_LINEAR")


def resize_linear_416():
    return resized((416, 234), "INTER_LINEAR")


def resize_area():
    return resized((640, 360), "INTER_AREA")


def chain_whole():
    """Picture to detector to picture to landmarks; anchors and heat maps left out, which only helps the peer."""
    import cv2

    detector, tracked = session_of("blazepose_detector"), chain_tracked()
    picture = cv2.imread(str(SHARED / "data/vision/images/coco_000000000785.png"))[:, :, ::-1].copy()
    side = max(picture.shape[:2])
    k = side / 224
    matrix = np.array([[k, 0, (picture.shape[1] - side) / 2], [0, k, (picture.shape[0] - side) / 2]])
    name = detector.get_inputs()[0].name

    def work():
        x = warp(picture, matrix, 224, cv2.BORDER_CONSTANT).astype(np.float32) / 127.5 - 1
        return detector.run(None, {name: x[None]}), tracked()

    return work


def chain_tracked():
    """Picture to landmarks, without the mask, in the square that the person fills."""
    import cv2

    session = session_of("blazepose_full")
    picture = cv2.imread(str(SHARED / "data/vision/images/coco_000000000785.png"))[:, :, ::-1].copy()
    matrix = np.array([[1.7, -0.2, 120.0], [0.2, 1.7, -20.0]])
    name = session.get_inputs()[0].name

    def work():
        x = warp(picture, matrix, 256, cv2.BORDER_REPLICATE).astype(np.float32) / 255
        return session.run(None, {name: x[None]})

    return work


def mediapipe_tracked():
    """MediaPipe's own chain on a video that shows the same picture again: it follows, the detector rests."""
    import cv2
    import mediapipe

    picture = cv2.imread(str(SHARED / "data/vision/images/coco_000000000785.png"))[:, :, ::-1].copy()
    pose = mediapipe.solutions.pose.Pose(model_complexity=1, smooth_landmarks=False)
    if pose.process(picture).pose_landmarks is None:
        raise ValueError("no person was found")
    return lambda: pose.process(picture)


def wobble(i, k):
    return ((i * 31 + k * 17) % 13) / 10


def exercise():
    from scipy.signal import butter, filtfilt, medfilt

    i = np.arange(1800)
    bend = np.radians(5 + 42.5 * (1 - np.cos(i / 90 * 2 * np.pi)))
    knee = np.c_[320 + 140 * np.sin(0.4 * bend), 400 - 140 * np.cos(0.4 * bend)]
    hip = np.c_[knee[:, 0] - 147 * np.sin(0.6 * bend), knee[:, 1] - 147 * np.cos(0.6 * bend)]
    ankle = np.tile([320.0, 400.0], (1800, 1))
    hip, knee, ankle = (p + wobble(i, k)[:, None] for k, p in enumerate((hip, knee, ankle)))
    b, a = butter(2, 4, fs=30)

    def work():
        u, v = hip - knee, ankle - knee
        cross = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        angle = 180 - np.degrees(np.arctan2(np.abs(cross), (u * v).sum(1)))
        y = filtfilt(b, a, medfilt(angle, 5))
        low, high = np.percentile(y, [5, 95])
        upper, lower = low + 0.65 * (high - low), low + 0.35 * (high - low)
        state = np.where(y > upper, 1, np.where(y < lower, -1, 0))
        at = np.nonzero(state)[0]
        changes = np.nonzero(np.diff(state[at]))[0]
        rises = [at[c + 1] for c in changes if state[at[c + 1]] == 1]
        falls = [at[c + 1] for c in changes if state[at[c + 1]] == -1]
        peaks = [y[r : falls[n]].max() if n < len(falls) else np.nan for n, r in enumerate(rises)]
        return len(peaks), np.nanmean(peaks) - np.median(y[:24])

    return work


def filtfilt():
    from scipy.signal import butter, filtfilt

    b, a = butter(2, 4, fs=30)
    x = wobble(np.arange(1800)[None], np.arange(99)[:, None])
    return lambda: filtfilt(b, a, x, axis=1)


def persons(images, jitter):
    """Labelled and found persons: as `persons` in motion.rs."""
    truths, found = [], []
    for image in range(1, images + 1):
        for k in range(1 + image % 5):
            size = 40.0 + (image * 31 + k * 17) % 200
            x, y = 30.0 + 110.0 * k, 20.0 + (image * 13 + k * 7) % 150
            points, moved = [], []
            for i in range(17):
                u, v = x + size * ((i * 7) % 17) / 34, y + size * i / 17
                points += [u, v, 0 if (image + i) % 6 == 0 else 2]
                d = size * (jitter * (((image * 29 + k * 11 + i * 5) % 21) - 10) / 10)
                moved += [u + d, v - d, 1]
            box, area = [x, y, size / 2, size], 0.4 * size * size
            count = sum(1 for v in points[2::3] if v > 0)
            truths.append(dict(id=len(truths) + 1, image_id=image, category_id=1, iscrowd=0, area=area, bbox=box,
                               keypoints=points, num_keypoints=count))
            if (image + k) % 10:
                score = ((image * 37 + k * 101) % 997) / 997
                found.append(dict(image_id=image, category_id=1, keypoints=moved, score=score))
    return truths, found


def keypoint_precision():
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truths, found = persons(5000, 0.06)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(images=[dict(id=i) for i in range(1, 5001)], annotations=truths, categories=[dict(id=1)])
        coco.createIndex()
        results = coco.loadRes(found)

    def work():
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = COCOeval(coco, results, "keypoints")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return evaluation.stats

    return work


def median5():
    from scipy.signal import medfilt

    x = wobble(np.arange(1800)[None], np.arange(99)[:, None])
    return lambda: [medfilt(row, 5) for row in x]


def savgol():
    from scipy.signal import savgol_filter

    x = wobble(np.arange(1800)[None], np.arange(99)[:, None])
    return lambda: savgol_filter(x, 11, 3, axis=1)


def assignment():
    from scipy.optimize import linear_sum_assignment

    costs = ((np.arange(100 * 100) * 7919) % 10007 / 10007).reshape(100, 100)
    return lambda: linear_sum_assignment(costs)


if __name__ == "__main__":
    serve(globals())
