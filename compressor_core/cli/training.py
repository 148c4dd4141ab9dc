"""Verbs that train models or prepare training."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compressor_core.cli.fields import from_options
from compressor_core.cli.options import checkpoint_beside, data_of, latency_model, require_place
from compressor_core.cli.progress import finished, shown
from compressor_core.distill import processes
from compressor_core.errors import DataError
from compressor_core.records import Record, Work


def train_teacher(options: argparse.Namespace) -> dict[str, Any]:
    from compressor_core.distill.fine_tuning import train_teacher
    from compressor_core.distill.settings import TeacherSettings

    settings = from_options(TeacherSettings, options, data=data_of(options))
    return _train(options, lambda checkpoint: train_teacher(settings, options.out, checkpoint=checkpoint))


def distill(options: argparse.Namespace) -> dict[str, Any]:
    given = vars(options)
    if ("budget_mb" in given) == ("architecture" in given):
        raise DataError("give either --budget-mb or --architecture V,H,L,A,I")
    from compressor_core.distill.distillation import distill
    from compressor_core.distill.settings import DistillSettings

    own = {}
    if "architecture" not in given:
        from compressor_core.distill.study import best_within

        head = {"pair_features": options.pair_features} if "pair_features" in given else {}
        best = best_within(options.budget_mb, options.teacher, options.within, **head)
        print(f"The best architecture within {options.budget_mb:g} MB is {best}", file=sys.stderr)
        own = {"architecture": best, "space": options.within}
    settings = from_options(DistillSettings, options, data=data_of(options), **own)
    return _train(options, lambda checkpoint: distill(settings, options.out, checkpoint=checkpoint))


def label(options: argparse.Namespace) -> dict[str, Any]:
    from compressor_core.distill.labelling import label
    from compressor_core.distill.settings import LabelSettings

    return finished(label(from_options(LabelSettings, options), options.out)).plain()


def study(options: argparse.Namespace) -> dict[str, Any]:
    from compressor_core.distill.cluster import side_by_side
    from compressor_core.distill.settings import StudySettings
    from compressor_core.distill.study import jobs, study

    settings = from_options(StudySettings, options, data=data_of(options), latency=latency_model(options))
    out: Path = options.out
    for job in jobs(settings):
        require_place(out / job.name)
    return finished(study(settings, out, make=side_by_side(options.cluster) if options.cluster else None)).plain()


def _train(options: argparse.Namespace, work: Callable[[Path], Work[Any]]) -> dict[str, Any]:
    """Run a training with its checkpoint beside the output folder; the checkpoint is deleted at the end."""
    out: Path = options.out
    checkpoint = checkpoint_beside(out)
    if processes.main():  # other processes resume from the checkpoint of this one
        if not options.resume:
            checkpoint.unlink(missing_ok=True)
        elif not checkpoint.is_file():
            print(f"There is no checkpoint {checkpoint} to resume from: the training starts anew", file=sys.stderr)
    require_place(out)
    summary: Record | None = shown(work(checkpoint))
    if processes.main():
        checkpoint.unlink(missing_ok=True)
    return {} if summary is None else summary.plain()  # with several processes, only the first has it
