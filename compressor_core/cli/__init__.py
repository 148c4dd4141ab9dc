"""Verbs of the command line, as functions from options to one record.

Heavy modules are imported only by the verbs that need them.
"""

from compressor_core.cli.app import app
from compressor_core.cli.models import (
    calibrate,
    compare,
    evaluate,
    exam,
    export,
    import_released,
    measure,
    predict,
    probe,
    push,
)
from compressor_core.cli.runs import cancel_run, delete_run, doctor, list_runs, report, show_run
from compressor_core.cli.searching import cost, search, sweep, tradeoff
from compressor_core.cli.training import distill, label, study, train_teacher

__all__ = [
    "app",
    "calibrate",
    "cancel_run",
    "compare",
    "cost",
    "delete_run",
    "distill",
    "doctor",
    "evaluate",
    "exam",
    "export",
    "import_released",
    "label",
    "list_runs",
    "measure",
    "predict",
    "probe",
    "push",
    "report",
    "search",
    "show_run",
    "study",
    "sweep",
    "tradeoff",
    "train_teacher",
]
