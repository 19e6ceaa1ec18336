"""The same work in neurokit2, copulas, sdmetrics and pandas."""

import os
import warnings
from pathlib import Path

from serve import serve

warnings.filterwarnings("ignore")
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).resolve().parents[2] / "target"))
TABLE = TARGET / "bench" / "synth_table.csv"
NUMBERS = ["age", "bmi", "systolic_mmhg", "visits"]


def ecg_ecgsyn():
    import neurokit2

    return lambda: neurokit2.ecg_simulate(
        duration=60, sampling_rate=500, heart_rate=70, method="ecgsyn", noise=0.01, random_state=1
    )


def copula():
    import pandas
    from copulas.multivariate import GaussianMultivariate
    from copulas.univariate import BetaUnivariate

    # beta margins: the default of SDV; without it copulas tries every law that it has
    return (lambda: GaussianMultivariate(distribution=BetaUnivariate)), pandas.read_csv(TABLE)[NUMBERS]


def copula_fit():
    model, table = copula()
    return lambda: model().fit(table)


def copula_sample():
    model, table = copula()
    fitted = model()
    fitted.fit(table)
    return lambda: fitted.sample(len(table))


def quality_report():
    import pandas
    from sdmetrics.reports.single_table import QualityReport

    # two samples of one law, of the shape that ours compares
    table = pandas.read_csv(TABLE).drop(columns=["diabetes", "hba1c_mmol_mol"])
    other = table.sample(frac=1.0, replace=True, random_state=2).reset_index(drop=True)
    kind = {c: {"sdtype": "numerical" if c in NUMBERS else "categorical"} for c in table}
    metadata = {"tables": {"t": {"columns": kind}}, "relationships": []}
    forms = [
        lambda: QualityReport().generate(table, other, {"columns": kind}, verbose=False),
        lambda: QualityReport().generate({"t": table}, {"t": other}, metadata, verbose=False),
    ]
    for work in forms:  # 0.32 takes a table or a dict of tables: whichever works, found before anything is timed
        try:
            work()
            return work
        except Exception:
            continue
    raise RuntimeError("no form of QualityReport.generate works")


def csv_read():
    import io

    import pandas

    text = TABLE.read_bytes()
    return lambda: pandas.read_csv(io.BytesIO(text))


serve(globals())
