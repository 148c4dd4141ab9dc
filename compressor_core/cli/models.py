"""Verbs for finished models."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from compressor_core.cli.fields import from_options
from compressor_core.cli.options import data_of, require_place
from compressor_core.cli.progress import finished
from compressor_core.errors import DataError
from compressor_core.evaluate.settings import (
    CalibrationSettings,
    CompareSettings,
    EvaluateSettings,
    ExamSettings,
    MeasureSettings,
    ProbeSettings,
)
from compressor_core.export.settings import ExportSettings
from compressor_core.files import checked_path
from compressor_core.records import ComparisonSummary, StudentSide

Record = dict[str, Any]


def evaluate(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.comparison import evaluate

    found = evaluate(from_options(EvaluateSettings, options, data=data_of(options)))
    print(f"Scored on {found.rows}", file=sys.stderr)
    return found.plain()


def compare(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.comparison import compare

    student, *others = options.students
    settings = from_options(CompareSettings, options, data=data_of(options), student=student, others=others)
    summary = finished(compare(settings, options.predictions))
    print(f"Compared on {summary.rows}", file=sys.stderr)
    return summary.plain() if options.json else _in_short(summary)


def measure(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.measurement import measure

    settings = from_options(MeasureSettings, options, data=data_of(options))
    return finished(measure(settings)).plain()


def probe(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.probe import probe

    summary = finished(probe(from_options(ProbeSettings, options, data=data_of(options))))
    if options.json:
        return summary.plain()
    from compressor_core.figures.compare.probe import probe_info, probe_rows

    told = ("Change", "Model", "Functions", "Flips", "95% interval", "Agreement (%)")
    rows = [{name: row[name] for name in told} for row in probe_rows(probe_info(summary))]
    return {"dataset": summary.dataset, "split": summary.split, "examples": summary.examples, "changes": rows}


def exam(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.exam import sit_exam

    summary = finished(sit_exam(from_options(ExamSettings, options, data=data_of(options))))
    if options.json:
        return summary.plain()
    from compressor_core.figures.compare.exam import exam_info, exam_rows

    verdicts = {f"verdict on {one.name}": one.verdict for one in summary.models}
    return {"task": summary.task, "dataset": summary.dataset, **verdicts, "scores": exam_rows(exam_info(summary))}


def calibrate(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.calibration import calibrate

    return finished(calibrate(from_options(CalibrationSettings, options))).plain()


def predict(options: argparse.Namespace) -> Record:
    from compressor_core.data.pasted import language_remark

    codes = [_read_code(path) for path in options.files]

    from compressor_core.evaluate.prediction import predict_once
    from compressor_core.models.classifier import load

    model = load(options.model)
    prediction = predict_once(model, tuple(codes))
    for remark in dict.fromkeys(filter(None, (language_remark(code, model.card.language) for code in codes))):
        print(f"note: {remark}", file=sys.stderr)
    for path, tokens, read in zip(options.files, prediction.tokens, prediction.read, strict=True):
        if read < tokens:
            print(f"note: {path} has {tokens:,} tokens; the model reads the first {read:,}.", file=sys.stderr)
    return prediction.plain()


def export(options: argparse.Namespace) -> Record:
    from compressor_core.export.exporting import export

    settings = from_options(ExportSettings, options, data=data_of(options))
    return finished(export(settings, options.out)).plain()


def push(options: argparse.Namespace) -> Record:
    from compressor_core.export.pushing import push

    found = push(
        options.model,
        options.repository,
        send=options.send,
        private=not options.public,
        licence=options.licence,
    )
    if not found.sent:
        print(f"Nothing was sent: give --send to send these files to {found.repository}", file=sys.stderr)
    told = found.plain()
    return told if options.json else {**told, "files": [{"name": name} for name in found.files]}


def import_released(options: argparse.Namespace) -> Record:
    from compressor_core.models.card import size_on_disk
    from compressor_core.models.released import import_released
    from compressor_core.paper import Encoder
    from compressor_core.task import Task

    require_place(options.out)
    encoder, task, heads = Encoder(options.teacher), Task(options.task), getattr(options, "heads", None)
    files = Path(options.checkpoint), Path(options.tokenizer)
    student = import_released(*files, encoder, task, options.out, heads=heads)
    return {
        "model": str(options.out),
        "parameters": student.parameters,
        "size_mb": size_on_disk(options.out) / 1e6,
        "architecture": str(student.card.architecture),
        "task": task.value,
        "labels": list(student.card.labels),
    }


def _in_short(summary: ComparisonSummary) -> Record:
    """Comparison as a table of its models; the full result is available with --json."""
    rows = []
    for side in (summary.teacher, *summary.students):
        low, high = side.intervals.accuracy
        student = side if isinstance(side, StudentSide) else None
        rows.append(
            {
                "model": side.name,
                "accuracy": f"{side.accuracy:.4f}",
                "95% interval": f"{low:.4f} to {high:.4f}",
                "f1": f"{side.f1:.4f}",
                "size_mb": "" if side.size_mb is None else f"{side.size_mb:.3f}",
                "median_ms": "" if side.latency is None else f"{side.latency.median:.2f}",
                "speedup": _speedup(summary, student),
                "agreement": f"{student.agreement:.4f}" if student else "1.0000",
                "flips": "" if side.flips is None else f"{side.flips:.4f}",
                "mcnemar_p": f"{student.mcnemar.p:.4g}" if student else "",
                "p (Holm)": f"{student.mcnemar.p_adjusted:.4g}" if student else "",
            }
        )
    return {"dataset": summary.dataset, "split": summary.split, "examples": summary.examples, "models": rows}


def _speedup(summary: ComparisonSummary, student: StudentSide | None) -> str:
    if summary.teacher.latency is None:
        return ""
    return "1.00" if student is None else f"{student.speedup:.2f}"


def _read_code(path: Path) -> str:
    from compressor_core.data.pasted import decoded

    try:
        data = checked_path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the path") from error
    return decoded(data, str(path))
