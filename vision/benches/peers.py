"""The same work in onnxruntime, OpenCV and SciPy, one thread."""

import os
from pathlib import Path

import numpy as np
from serve import serve

SHARED = Path(os.environ.get("EIR_SHARED") or Path(__file__).resolve().parents[3] / "shared")


def network(name, shape, low, high, nhwc=True):
    import onnxruntime as ort

    ort.set_default_logger_severity(3)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = SHARED / "data/vision/weights" / f"{name}.onnx"
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    values = low + (high - low) * ((np.arange(np.prod(shape)) * 7919) % 1000) / 1000
    planes = values.astype(np.float32).reshape(shape)
    x = np.ascontiguousarray(planes.transpose(1, 2, 0) if nhwc else planes)[None]
    return lambda: session.run(None, {session.get_inputs()[0].name: x})


def blazepose_detector():
    return network("blazepose_detector", (3, 224, 224), -1, 1)


def blazepose_full():
    return network("blazepose_full", (3, 256, 256), 0, 1)


def blazepose_lite():
    return network("blazepose_lite", (3, 256, 256), 0, 1)


def movenet_lightning():
    return network("movenet_lightning", (3, 192, 192), 0, 255)


def yolox_nano():
    return network("yolox_nano", (3, 416, 416), 0, 255, nhwc=False)


def facemesh_v2_478():
    return network("facemesh_v2_478", (3, 256, 256), 0, 1)


def face_blendshapes():
    return network("face_blendshapes", (146, 2), 0, 200, nhwc=False)


def crop():
    import cv2

    cv2.setNumThreads(1)
    picture = ((np.arange(1920 * 1080 * 3) * 7919) % 251).astype(np.uint8).reshape(1080, 1920, 3)
    matrix = np.array([[2.7, -0.9, 640.0], [0.9, 2.7, 90.0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return lambda: cv2.warpAffine(picture, matrix, (256, 256), flags=flags, borderMode=cv2.BORDER_REPLICATE)


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


if __name__ == "__main__":
    serve(globals())
