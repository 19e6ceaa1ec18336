"""lifelines on patients of the same number, ties and effects."""

import lifelines
import numpy as np
import pandas as pd
from lifelines.utils import concordance_index

rng = np.random.default_rng(1)


def patients(n):
    x = rng.normal(size=(n, 5))
    own = rng.exponential(size=n) * np.exp(0.5 * x[:, 1] - 0.8 * x[:, 0])
    end = 2 * rng.exponential(size=n)
    return np.ceil(10 * np.minimum(own, end)) / 10, own <= end, x


def kaplan_meier():
    time, event, _ = patients(100_000)
    return lambda: lifelines.KaplanMeierFitter().fit(time, event)


def cox():
    time, event, x = patients(5_000)
    table = pd.DataFrame(x).assign(time=time, event=event)
    return lambda: lifelines.CoxPHFitter().fit(table, "time", "event")


def concordance():
    time, event, x = patients(10_000)
    risk = x[:, 0]
    return lambda: concordance_index(time, -risk, event)
