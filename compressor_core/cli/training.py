"""The verbs that train models, or get ready for it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compressor_core.cli.fields import from_options
from compressor_core.cli.options import data_of, latency_model, require_place, space_of
from compressor_core.cli.progress import Progress
from compressor_core.distill import processes
from compressor_core.errors import DataError, RunError
from compressor_core.progress import finish
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

    own = {} if "architecture" in given else {"architecture": _within_budget(options), "space": options.within}
    settings = from_options(DistillSettings, options, data=data_of(options), **own)
    return _train(options, lambda checkpoint: distill(settings, options.out, checkpoint=checkpoint))


def label(options: argparse.Namespace) -> dict[str, Any]:
    from compressor_core.distill.labelling import label
    from compressor_core.distill.settings import LabelSettings

    with Progress(options) as progress:
        return finish(label(from_options(LabelSettings, options)), progress).plain()


def study(options: argparse.Namespace) -> dict[str, Any]:
    from compressor_core.distill.cluster import side_by_side
    from compressor_core.distill.settings import StudySettings
    from compressor_core.distill.study import jobs, study

    settings = from_options(StudySettings, options, data=data_of(options), latency=latency_model(options))
    out: Path = options.out
    for job in jobs(settings):
        require_place(out / job.name)
    with Progress(options) as progress:
        make = side_by_side(options.cluster) if options.cluster else None
        return finish(study(settings, out, make=make), progress).plain()


def _within_budget(options: argparse.Namespace) -> str:
    """The architecture with the most GFLOPs that fits, for a student of the teacher's task."""
    from compressor_core.models.card import read_card
    from compressor_core.search import Objective, optimum
    from compressor_core.task import PairFeatures, Task

    card = read_card(options.teacher)
    task = Task.VULNERABILITY if card is None else card.task
    features = PairFeatures(getattr(options, "pair_features", PairFeatures.COMPARE))
    best = optimum(space_of(options.within), Objective(budget_mb=options.budget_mb, task=task, pair_features=features))
    print(f"The best architecture within {options.budget_mb:g} MB is {best.short_form}", file=sys.stderr)
    return best.short_form


def _train(options: argparse.Namespace, work: Callable[[Path], Work[Any]]) -> dict[str, Any]:
    """Do a training with its checkpoint beside the output folder; the checkpoint goes when it is done."""
    out: Path = options.out
    checkpoint = out.with_name(f"{out.name}.checkpoint.pt")
    if processes.main():  # other processes go on from the checkpoint of this one
        if not options.resume:
            checkpoint.unlink(missing_ok=True)
        elif not checkpoint.is_file():
            raise RunError(f"there is no {checkpoint} to resume from: leave --resume out to start anew")
    require_place(out)
    with Progress(options) as progress:
        summary: Record | None = finish(work(checkpoint), progress)
    if processes.main():
        checkpoint.unlink(missing_ok=True)
    return {} if summary is None else summary.plain()
