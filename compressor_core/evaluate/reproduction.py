"""One published student, from the authors' file to numbers that can stand beside the paper's."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compressor_core.data.registry import examples_for, open_dataset
from compressor_core.errors import ModelError, SettingsError
from compressor_core.evaluate.latency import latency
from compressor_core.evaluate.quality import quality
from compressor_core.machine import machine
from compressor_core.models.card import size_on_disk
from compressor_core.models.released import import_released
from compressor_core.paper import Encoder
from compressor_core.progress import told, until_cancelled
from compressor_core.task import Task
from compressor_core.threads import check_threads

Record = dict[str, Any]


@dataclass(frozen=True)
class ReproduceSettings:
    """What is imported, and what it is measured on: `data` as for any dataset, see `open_dataset`.

    `teacher` is a pre-trained model of the paper and `task` one of its tasks, by name.
    """

    checkpoint: str
    tokenizer: str
    teacher: str
    task: str
    dataset: str
    data: str | None = None
    heads: int | None = None
    latency_examples: int = 100
    threads: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        check_threads(self.threads)
        for name, kind in (("teacher", Encoder), ("task", Task)):
            if getattr(self, name) not in set(kind):
                raise SettingsError(f"the {name} cannot be {getattr(self, name)!r}: choose from {', '.join(kind)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def reproduce(
    config: ReproduceSettings, out: Path, *, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Record]:
    """Import a published student to `out` and measure it; the last record is the result.

    The result has model, teacher, task, architecture, parameters, size_mb, dataset, data, all scores (see `quality`),
    latency, machine, latency_examples and seconds. A cancelled one has no result: the model is whole, its scores are
    not.

    Raises:
        DataError, ModelError, StorageError: one sentence each.
    """
    started = time.monotonic()
    encoder, task = Encoder(config.teacher), Task(config.task)
    yield {"type": "progress", "message": "Reading the dataset"}
    dataset = open_dataset(config.dataset, config.data, seed=config.seed)
    if dataset.task is not task:
        raise ModelError(
            f"the student is for {task} and {config.dataset} is for {dataset.task}: choose a matching pair"
        )
    examples = examples_for(dataset, None)
    yield {"type": "progress", "message": "Importing the published student"}
    student = import_released(Path(config.checkpoint), Path(config.tokenizer), encoder, task, out, heads=config.heads)
    codes = [example.codes for example in examples]
    steps = told(student.predicting(codes), lambda done: f"The student predicts {done:,} of {len(codes):,}")
    logits = yield from until_cancelled(steps, cancelled)
    if logits is None:
        return
    scores = quality([example.label for example in examples], logits.argmax(-1).tolist())
    sample = random.Random(config.seed).sample(codes, min(config.latency_examples, len(codes)))
    times = yield from latency({"student": student}, sample, threads=config.threads)
    yield {
        "type": "result",
        "model": str(out),
        "teacher": encoder.value,
        "task": task.value,
        "architecture": str(student.card.architecture),
        "parameters": student.parameters,
        "size_mb": size_on_disk(out) / 1e6,
        "dataset": config.dataset,
        "data": config.data,
        **scores,
        "latency": times["student"],
        "latency_examples": len(sample),
        "machine": machine(config.threads),
        "seconds": time.monotonic() - started,
    }
