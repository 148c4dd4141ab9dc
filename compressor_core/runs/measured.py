"""What distilled students scored: the accuracies that a trade-off can look up."""

from __future__ import annotations

from collections import defaultdict

from compressor_core.models.card import read_card
from compressor_core.runs.library import students
from compressor_core.runs.store import RunStore
from compressor_core.search.tradeoff import MeasuredStudent
from compressor_core.task import PairFeatures, Task


def measured_students(
    store: RunStore, task: Task = Task.VULNERABILITY, pair_features: PairFeatures = PairFeatures.COMPARE
) -> dict[str, tuple[MeasuredStudent, ...]]:
    """The students of a task by the dataset they were distilled and tested on, the newest first.

    Only those of a dataset can be held against each other. Imported students are left out: they learned from other
    data than they are measured on here. `pair_features` matters for the clone task only.
    """
    found: dict[str, list[MeasuredStudent]] = defaultdict(list)
    for model in students(store):
        card = read_card(model.folder)
        if model.run is None or model.run.kind not in ("distill", "study") or card is None or card.architecture is None:
            continue
        if card.task is not task or (task is Task.CLONE and card.pair_features is not pair_features):
            continue
        dataset = f"{model.dataset}, {model.data}" if model.data else model.dataset
        accuracy = float(model.result["accuracy"])
        found[dataset].append(MeasuredStudent(card.architecture, accuracy, dataset, model.run.id))
    return {dataset: tuple(measured) for dataset, measured in found.items()}
