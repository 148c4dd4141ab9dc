"""Soft labels: the teacher's logits on unlabelled functions, computed once and kept by content."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from compressor_core.cache import cache_folder
from compressor_core.data.dataset import fingerprint_of
from compressor_core.evaluate.progress import told
from compressor_core.files import write_bytes
from compressor_core.models.card import CARD
from compressor_core.models.classifier import Classifier
from compressor_core.task import Task


class SoftLabels:
    """The logits of one teacher, cached under its fingerprint and that of the functions asked for."""

    def __init__(self, teacher: Classifier, teacher_folder: Path, cache: Path | None = None) -> None:
        self._teacher = teacher
        self._folder = (cache or cache_folder()) / "soft-labels" / model_fingerprint(teacher_folder)

    def of(self, examples: Sequence[tuple[str, ...]]) -> Generator[dict[str, Any], None, Tensor]:
        """Logits (examples, 2) in the order given; yields progress records, after each of which one may stop.

        Only code goes in: there is no way for a gold label to reach the student through here.
        """
        path = self._folder / f"{fingerprint_of(code for example in examples for code in example)}.safetensors"
        try:
            cached = load_file(path)["logits"]
            if cached.shape == (len(examples), 2):
                return cached
        except (OSError, SafetensorError, KeyError):
            pass  # absent or damaged: it is computed (again)
        what = "pairs" if self._teacher.card.task is Task.CLONE else "functions"
        logits = yield from told(
            self._teacher.predicting(examples),
            lambda done: f"The teacher labels {done:,} of {len(examples):,} {what}",
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        write_bytes(path, save({"logits": logits}), durable=False)
        return logits


def model_fingerprint(folder: Path) -> str:
    """Sixteen hexadecimal digits of a model's weights, tokenizer and card, which says how much of the code it reads."""
    digest = hashlib.sha256()
    beside = (folder / "tokenizer.json", folder / CARD)
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin"), *beside]):
        if path.is_file():
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
