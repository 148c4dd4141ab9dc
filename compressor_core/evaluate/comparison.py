"""Teacher and student side by side, on the same examples, in one run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from compressor_core.cost import cost
from compressor_core.data.dataset import Example, Split
from compressor_core.data.registry import default_split, examples_for, open_dataset
from compressor_core.errors import DataError, ModelError
from compressor_core.evaluate.latency import latency, machine
from compressor_core.evaluate.progress import told, until_cancelled
from compressor_core.evaluate.quality import agreement, mcnemar, quality
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.compute import best_device
from compressor_core.task import PairFeatures

Record = dict[str, Any]


@dataclass(frozen=True)
class CompareConfig:
    """What `compare` is asked for. `split` None: the test split, or all of a file."""

    teacher: str
    student: str
    dataset: str = "classroom-vulnerability"
    data: str | None = None
    split: str | None = None
    latency_examples: int = 100
    latency_rounds: int = 3
    threads: int = 1
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def evaluate(model: Path, dataset: str, data: str | None, split: str | None, *, seed: int = 0) -> dict[str, Any]:
    """Scores of one model, see `quality`. Raises ModelError or DataError for what cannot be read."""
    classifier = load(model)
    classifier.model.to(best_device())
    examples, _ = _examples(classifier, dataset, data, split, seed)
    predicted = classifier.logits([e.codes for e in examples]).argmax(-1).tolist()
    return quality([e.label for e in examples], predicted, [e.group for e in examples])


def compare(config: CompareConfig, *, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Record]:
    """Predictions, scores and latency of both models; the last record is the result.

    The result has teacher and student (scores, size_mb, parameters, forward_gflops where known, latency), agreement,
    speedup (ratio of the median latencies), mcnemar, mcnemar_p, machine, labels, dataset, split and examples.

    Raises:
        DataError, ModelError: one sentence each.
    """
    yield {"type": "progress", "message": "Loading both models"}
    folders = {"teacher": Path(config.teacher), "student": Path(config.student)}
    models = {name: load(folder) for name, folder in folders.items()}
    if models["teacher"].card.task is not models["student"].card.task:
        raise ModelError(
            f"the teacher is for {models['teacher'].card.task} and the student for {models['student'].card.task}: "
            "compare two models of the same task"
        )
    examples, split = _examples(models["student"], config.dataset, config.data, config.split, config.seed)
    codes = [example.codes for example in examples]
    gold, groups = [e.label for e in examples], [e.group for e in examples]
    logits: dict[str, Tensor] = {}
    for name, model in models.items():
        model.model.to(best_device())
        steps = told(model.predicting(codes), _words(name, len(codes)))
        rows = yield from until_cancelled(steps, cancelled)
        model.model.to("cpu")  # where latency is measured
        if rows is None:
            return
        logits[name] = rows
    predicted = {name: rows.argmax(-1).tolist() for name, rows in logits.items()}
    sample = random.Random(config.seed).sample(codes, min(config.latency_examples, len(codes)))
    times = yield from latency(models, sample, rounds=config.latency_rounds, threads=config.threads)
    sides = {
        name: {
            "model": str(folders[name]),
            **quality(gold, predicted[name], groups),
            **_describe(models[name], folders[name], times[name]["tokens"] / len(codes[0])),
            "latency": times[name],
        }
        for name in models
    }
    paired = mcnemar(gold, predicted["teacher"], predicted["student"])
    yield {
        "type": "result",
        **sides,
        "agreement": agreement(predicted["teacher"], predicted["student"]),
        "speedup": times["teacher"]["median"] / times["student"]["median"],
        "mcnemar": paired,
        "mcnemar_p": paired["p"],
        "labels": list(models["teacher"].card.labels),
        "dataset": config.dataset,
        "split": split,
        "examples": len(examples),
        "latency_examples": len(sample),
        "machine": machine(config.threads),
    }


def _words(name: str, total: int) -> Callable[[int], str]:
    return lambda done: f"The {name} predicts {done:,} of {total:,}"


def _examples(
    model: Classifier, dataset: str, data: str | None, split: str | None, seed: int
) -> tuple[Sequence[Example], str]:
    """The examples to predict, and the split that they are, or "all"."""
    opened = open_dataset(dataset, data, seed=seed)
    if opened.task is not model.card.task:
        raise ModelError(
            f"the model is for {model.card.task} and the dataset {dataset} for {opened.task}: choose a matching pair"
        )
    if split is not None and split not in set(Split):
        raise DataError(f"there is no split {split!r}: choose from {', '.join(Split)}")
    wanted = default_split(opened) if split is None else Split(split)
    return examples_for(opened, wanted), str(wanted or "all")


def _describe(model: Classifier, folder: Path, tokens: float) -> dict[str, Any]:
    """Size and computation, at the mean number of tokens of a function.

    GFLOPs need the architecture, which only models made by this program state.
    """
    described: dict[str, Any] = {"size_mb": size_on_disk(folder) / 1e6, "parameters": model.parameters}
    if model.card.architecture is not None:
        features = model.card.pair_features or PairFeatures.COMPARE
        length = max(1, round(tokens))
        priced = cost(model.card.architecture, model.card.task, features, sequence_length=length)
        described["forward_gflops"] = priced.forward_gflops
        described["paper_gflops"] = priced.paper_gflops
        described["architecture"] = model.card.architecture.to_dict()
    return described
