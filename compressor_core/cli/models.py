"""The verbs that look at finished models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from compressor_core.cli.options import configured, data_of, require_place
from compressor_core.cli.progress import Progress, follow
from compressor_core.errors import DataError
from compressor_core.files import checked_path

Record = dict[str, Any]


def evaluate(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.comparison import evaluate

    return evaluate(options.model, options.dataset, data_of(options), options.split, seed=options.seed)


def compare(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.comparison import CompareSettings, compare

    student, *others = map(str, options.students)
    sides = {"teacher": str(options.teacher), "student": student, "others": tuple(others)}
    config = configured(CompareSettings, options, data=data_of(options), threads=options.threads or 1, **sides)
    with Progress(options) as progress:
        result = follow(compare(config, options.predictions), progress)
    return result if options.json else _in_short(result)


def measure(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.measurement import measure
    from compressor_core.evaluate.measurement_settings import MeasureSettings

    models = [str(model) for model in options.models]
    with Progress(options) as progress:
        return follow(measure(configured(MeasureSettings, options, models=models, data=data_of(options))), progress)


def predict(options: argparse.Namespace) -> Record:
    from compressor_core.data.pasted import language_remark

    codes = [_read_code(path) for path in options.files]

    from compressor_core.evaluate.prediction import predict_once
    from compressor_core.models.classifier import load

    model = load(options.model)
    prediction = predict_once(model, tuple(codes))
    for remark in dict.fromkeys(filter(None, (language_remark(code, model.card.language) for code in codes))):
        print(f"note: {remark}", file=sys.stderr)
    return prediction.to_dict()


def export(options: argparse.Namespace) -> Record:
    from compressor_core.export.exporting import ExportSettings, export

    own = {"model": str(options.model), "data": data_of(options), "threads": options.threads or 1}
    with Progress(options) as progress:
        return follow(export(configured(ExportSettings, options, **own), options.out), progress)


def import_released(options: argparse.Namespace) -> Record:
    from compressor_core.models.card import size_on_disk
    from compressor_core.models.released import import_released
    from compressor_core.paper import Encoder
    from compressor_core.task import Task

    require_place(options.out)
    encoder, task = Encoder(options.teacher), Task(options.task)
    student = import_released(options.checkpoint, options.tokenizer, encoder, task, options.out, heads=options.heads)
    return {
        "model": str(options.out),
        "parameters": student.parameters,
        "size_mb": size_on_disk(options.out) / 1e6,
        "architecture": str(student.card.architecture),
        "task": task.value,
        "labels": list(student.card.labels),
    }


def _in_short(result: Record) -> Record:
    """A comparison as a table of its models; the rest is for programs, with --json."""
    rows = []
    for side in (result["teacher"], *result["students"]):
        low, high = side["intervals"]["accuracy"]
        rows.append(
            {
                "model": side["name"],
                "accuracy": f"{side['accuracy']:.4f}",
                "95% interval": f"{low:.4f} to {high:.4f}",
                "f1": f"{side['f1']:.4f}",
                "size_mb": f"{side['size_mb']:.3f}",
                "median_ms": f"{side['latency']['median']:.2f}",
                "speedup": f"{side.get('speedup', 1.0):.2f}",
                "agreement": f"{side.get('agreement', 1.0):.4f}",
                "mcnemar_p": f"{side['mcnemar']['p']:.4g}" if "mcnemar" in side else "",
                "p (Holm)": f"{side['mcnemar']['p_adjusted']:.4g}" if "mcnemar" in side else "",
            }
        )
    return {**{key: result[key] for key in ("dataset", "split", "examples")}, "models": rows}


def _read_code(path: Path) -> str:
    from compressor_core.data.pasted import decoded

    try:
        data = checked_path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the path") from error
    return decoded(data, str(path))
