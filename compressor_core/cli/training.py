"""The verbs that train models, or get ready for it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from compressor_core.cli.options import configured, data_of, latency_model, require_place, space_of
from compressor_core.cli.progress import Progress, follow
from compressor_core.distill import processes
from compressor_core.errors import DataError, RunError

Record = dict[str, Any]


def train_teacher(options: argparse.Namespace) -> Record:
    from compressor_core.distill.fine_tuning import SCRATCH_ARCHITECTURE, TeacherSettings, train_teacher

    architecture = options.architecture or str(SCRATCH_ARCHITECTURE)
    config = configured(TeacherSettings, options, data=data_of(options), architecture=architecture)
    return _train(options, lambda checkpoint: train_teacher(config, options.out, checkpoint=checkpoint))


def distill(options: argparse.Namespace) -> Record:
    if (options.budget_mb is None) == (options.architecture is None):
        raise DataError("give either --budget-mb or --architecture V,H,L,A,I")
    from compressor_core.distill.distillation import distill
    from compressor_core.distill.distillation_settings import DistillSettings

    architecture = options.architecture or _within_budget(options)
    config = configured(DistillSettings, options, data=data_of(options), architecture=architecture)
    return _train(options, lambda checkpoint: distill(config, options.out, checkpoint=checkpoint))


def label(options: argparse.Namespace) -> Record:
    from compressor_core.distill.labelling import LabelSettings, label

    with Progress(options) as progress:
        return follow(label(configured(LabelSettings, options)), progress)


def study(options: argparse.Namespace) -> Record:
    from compressor_core.distill.cluster import side_by_side
    from compressor_core.distill.study import one_after_another, study
    from compressor_core.distill.study_jobs import jobs
    from compressor_core.distill.study_settings import BUDGETS_MB, SEEDS, StudySettings

    config = configured(
        StudySettings,
        options,
        data=data_of(options),
        budgets=tuple(options.budgets or BUDGETS_MB),
        seeds=tuple(options.seeds or SEEDS),
        latency=latency_model(options),
    )
    out: Path = options.out
    for job in jobs(config):
        require_place(out / job.name)
    with Progress(options) as progress:
        make = side_by_side(options.cluster) if options.cluster else one_after_another
        return follow(study(config, out, make=make), progress)


def _within_budget(options: argparse.Namespace) -> str:
    """The architecture with the most GFLOPs that fits, for a student of the teacher's task."""
    from compressor_core.models.card import read_card
    from compressor_core.search import Objective, optimum
    from compressor_core.task import PairFeatures, Task

    card = read_card(Path(options.teacher))
    task = Task.VULNERABILITY if card is None else card.task
    features = PairFeatures(options.pair_features)
    best = optimum(space_of(options.space), Objective(budget_mb=options.budget_mb, task=task, pair_features=features))
    print(f"The best architecture within {options.budget_mb:g} MB is {best.short_form}", file=sys.stderr)
    return best.short_form


def _train(options: argparse.Namespace, records: Callable[[Path], Iterator[Record]]) -> Record:
    """Consume a training with its checkpoint beside the output folder; the checkpoint goes when it is done."""
    out: Path = options.out
    checkpoint = out.with_name(f"{out.name}.checkpoint.pt")
    if processes.main():  # other processes go on from the checkpoint of this one
        if not options.resume:
            checkpoint.unlink(missing_ok=True)
        elif not checkpoint.is_file():
            raise RunError(f"there is no {checkpoint} to resume from: leave --resume out to start anew")
    require_place(out)
    with Progress(options) as progress:
        result = follow(records(checkpoint), progress)
    if processes.main():
        checkpoint.unlink(missing_ok=True)
    return result
