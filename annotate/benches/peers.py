"""What the other tools need for the rows of annotate.rs, on the same inputs: the recipes are the same as there."""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
from serve import serve

MASK = (1 << 64) - 1
# the benchmark writes its two files where cargo puts them for benches
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or Path(__file__).resolve().parents[2] / "target")
FOLDER = TARGET / "tmp"


class Numbers:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & MASK
        return (self.state >> 33) % n


def frame():
    import pandas as pd

    numbers, rows = Numbers(1), []
    for item in range(20000):
        truth, first = numbers.below(5), numbers.below(500)
        for step in range(5):
            answer = truth if numbers.below(100) < 70 else numbers.below(5)
            rows.append((item, (first + 97 * step) % 500, answer))
    return pd.DataFrame(rows, columns=["task", "worker", "label"])


def dawid_skene():
    from crowdkit.aggregation import DawidSkene

    data = frame()
    return lambda: DawidSkene(n_iter=10, tol=-1e9).fit(data)


def majority():
    from crowdkit.aggregation import MajorityVote

    data = frame()
    return lambda: MajorityVote().fit_predict(data)


def matrix():
    numbers = Numbers(2)
    truth = [numbers.below(5) for _ in range(5000)]

    def rate(t):
        answer = t if numbers.below(100) < 65 else numbers.below(5)
        return math.nan if numbers.below(100) < 30 else float(answer)

    return np.array([[rate(t) for t in truth] for _ in range(20)])


def alpha(level):
    import krippendorff

    values = matrix()
    return lambda: krippendorff.alpha(reliability_data=values, level_of_measurement=level)


def alpha_nominal():
    return alpha("nominal")


def alpha_ordinal():
    return alpha("ordinal")


def alpha_interval():
    return alpha("interval")


def kappa():
    from sklearn.metrics import cohen_kappa_score

    numbers, pairs = Numbers(7), []
    for _ in range(1000000):
        truth = numbers.below(5)
        pairs.append([truth if numbers.below(100) < 70 else numbers.below(5) for _ in range(2)])
    a, b = np.array(pairs, dtype=np.int64).T.copy()
    return lambda: cohen_kappa_score(a, b)


def masks():
    numbers, y, x = Numbers(3), np.arange(480)[:, None], np.arange(640)[None, :]
    out = []
    for _ in range(100):
        mask = np.zeros((480, 640), np.uint8, order="F")
        for _ in range(3):
            cy, cx = numbers.below(480), numbers.below(640)
            ry, rx = 20 + numbers.below(140), 20 + numbers.below(190)
            mask[((y - cy) * rx) ** 2 + ((x - cx) * ry) ** 2 <= (rx * ry) ** 2] = 1
        out.append(mask)
    return out


def encode():
    from pycocotools import mask as m

    all_masks = masks()
    return lambda: [m.encode(one) for one in all_masks]


def decode():
    from pycocotools import mask as m

    encoded = [m.encode(one) for one in masks()]
    return lambda: [m.decode(one) for one in encoded]


def iou():
    from pycocotools import mask as m

    encoded = [m.encode(one) for one in masks()]
    return lambda: m.iou(encoded, encoded, [0] * len(encoded))


def polygons():
    from pycocotools import mask as m

    numbers, stars = Numbers(4), []
    for _ in range(1000):
        flat = []
        for i in range(30):
            radius, angle = 30.0 + numbers.below(200), 2 * math.pi * i / 30
            flat += [round(320 + radius * math.cos(angle), 2), round(240 + radius * math.sin(angle), 2)]
        stars.append(flat)
    return lambda: [m.frPyObjects([star], 480, 640) for star in stars]


def load():
    from pycocotools import mask as m

    path = FOLDER / "eir-annotate-results.json"
    text = path.read_text()

    def work():
        # what COCO.loadRes does with each result
        rows = json.loads(text)
        for row in rows:
            row["area"] = m.area([row["segmentation"]])[0]
            row["box"] = m.toBbox([row["segmentation"]])[0]
        return rows

    return work


def rdann():
    import wfdb

    return lambda: wfdb.rdann(str(FOLDER / "eir-annotate-beats"), "atr")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    serve(globals())
