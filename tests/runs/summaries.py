"""Whole summaries of runs, for tests that do without the work."""

from __future__ import annotations

from typing import Any

from compressor_core.latency_model import LatencyModel
from compressor_core.records import (
    CalibrationSummary,
    DistillSummary,
    Genes,
    Machine,
    ModelLatency,
    PredictionError,
    ReproductionSummary,
    Scores,
    TeacherSummary,
)
from compressor_core.task import PairFeatures, Task

MACHINE = Machine(processor="A chip", system="Linux", threads=1, batch_size=1, runtime="x 1", precision="float32")
GENES = Genes(vocab_size=1000, hidden_size=96, num_hidden_layers=12, num_attention_heads=8, intermediate_size=64)


def scores(correct: int = 9, examples: int = 10) -> dict[str, Any]:
    """The fields of `Scores`."""
    accuracy = correct / examples
    wrong = examples - correct
    return {
        **{"examples": examples, "correct": correct, "accuracy": accuracy, "f1": accuracy},
        **{"precision": accuracy, "recall": accuracy, "confusion": ((correct, wrong), (0, 0))},
    }


def taught(model: object, accuracy: float = 0.9, **more: Any) -> TeacherSummary:
    return TeacherSummary(**{**_trained(model, accuracy), **more})


def distilled(model: object, accuracy: float = 0.9, **more: Any) -> DistillSummary:
    own = {"teacher_accuracy": 0.9, "agreement": 0.9, "architecture": GENES, "paper_gflops": 2.0}
    return DistillSummary(**{**_trained(model, accuracy), **own, **more})


def calibrated(*models: LatencyModel) -> CalibrationSummary:
    errors = {model.runtime.value: PredictionError(median=0.1, worst=0.2, architectures=3) for model in models}
    return CalibrationSummary(
        task=models[0].task if models else Task.VULNERABILITY,
        pair_features=models[0].pair_features if models else PairFeatures.COMPARE,
        models={model.runtime.value: model for model in models},
        held_out_error=errors,
        budget_error=errors,
        machine=MACHINE,
        dataset="classroom-vulnerability",
        functions=2,
        lengths=(10, 20),
        seconds=1.0,
    )


def reproduced(model: object, **changes: Any) -> ReproductionSummary:
    """An import of CodeBERT's published student of 3 MB."""
    latency = ModelLatency(
        **{name: 10.0 for name in ("median", "mean", "p90", "p95", "p99", "min", "iqr", "tokenization", "tokens")},
        measurements=3,
    )
    values = {
        **{"model": str(model), "teacher": "codebert", "task": "vulnerability", "architecture": GENES.short_form},
        **{"parameters": 700_000, "size_mb": 3.0, "dataset": "devign", "latency": latency, "latency_examples": 3},
        **{"machine": MACHINE, "seconds": 1.0, **scores(50, 100)},
    }
    return ReproductionSummary(**{**values, **changes})


def _trained(model: object, accuracy: float) -> dict[str, Any]:
    return {
        **{"model": str(model), "accuracy": accuracy, "validation_accuracy": accuracy, "size_mb": 3.0},
        **{"parameters": 700_000, "seconds": 1.0, "test": Scores(**scores(round(accuracy * 10)))},
    }
