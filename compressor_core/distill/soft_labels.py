"""Soft labels: the teacher's logits on unlabelled functions, computed once and kept by content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from compressor_core.cache import cache_folder
from compressor_core.data.dataset import fingerprint_of
from compressor_core.distill import processes
from compressor_core.files import write_bytes
from compressor_core.models.card import CARD
from compressor_core.models.classifier import Classifier
from compressor_core.models.compute import Precision, choose, multiplies_bfloat16
from compressor_core.models.pair import encoder_config
from compressor_core.progress import Record, told
from compressor_core.task import Task

_WIDE, _SMALL_BATCH = 512, 8
"""From this width on, a CPU labels faster in small batches: what a layer computes of larger ones leaves its cache."""


class SoftLabels:
    """The logits of one teacher, cached under its fingerprint, its precision and that of the functions asked for."""

    def __init__(
        self,
        teacher: Classifier,
        teacher_folder: Path,
        cache: Path | None = None,
        precision: Precision = Precision.FLOAT32,
    ) -> None:
        self._teacher = teacher
        self._precision = precision
        name = model_fingerprint(teacher_folder) + ("" if precision is Precision.FLOAT32 else f"-{precision}")
        self.folder = (cache or cache_folder()) / "soft-labels" / name
        self._batch_size = labelling_batch(teacher.model)

    def of(self, examples: Sequence[tuple[str, ...]]) -> Generator[Record, None, Tensor]:
        """Logits (examples, 2) in the order given; yields progress records, after each of which one may stop.

        Only code goes in: there is no way for a gold label to reach the student through here.
        """
        kept = self._kept(examples, {"logits"})
        if processes.any_of(kept is None) or kept is None:
            steps = processes.shared(
                examples, lambda some: self._teacher.predicting(some, self._batch_size, self._precision)
            )
            logits = yield from told(steps, self._words(examples))
            kept = self._keep(examples, {"logits": logits})
        return kept["logits"]

    def with_states(self, examples: Sequence[tuple[str, ...]]) -> Generator[Record, None, tuple[Tensor, Tensor]]:
        """The same logits, and the teacher's pooled states (examples, 2, hidden) in float16."""
        kept = self._kept(examples, {"logits", "pooled"})
        if processes.any_of(kept is None) or kept is None:
            steps = processes.shared(
                examples, lambda some: self._teacher.predicting_pooled(some, self._batch_size, self._precision)
            )
            logits, states = yield from told(steps, self._words(examples))
            kept = self._keep(examples, {"logits": logits, "pooled": states})
        return kept["logits"], kept["pooled"]

    def known(self, of: str, count: int) -> Tensor | None:
        """Logits (count, 2) of the examples whose code has the fingerprint `of`; None if the cache has them not."""
        kept = self._read(of, count, {"logits"})
        return None if kept is None else kept["logits"]

    def has(self, examples: Sequence[tuple[str, ...]]) -> bool:
        """Whether nothing is left to be labelled of these examples."""
        return self._kept(examples, {"logits"}) is not None

    def _words(self, examples: Sequence[tuple[str, ...]]) -> Callable[[int], str]:
        what = "pairs" if self._teacher.card.task is Task.CLONE else "functions"
        return lambda done: f"The teacher labels {done:,} of {len(examples):,} {what}"

    def _kept(self, examples: Sequence[tuple[str, ...]], names: set[str]) -> dict[str, Tensor] | None:
        return self._read(fingerprint(examples), len(examples), names)

    def _read(self, of: str, count: int, names: set[str]) -> dict[str, Tensor] | None:
        """What the cache has under these names; None unless it has all of them, whole."""
        try:
            with safe_open(self._path(of), "pt") as file:
                found = {name: file.get_tensor(name) for name in names}
        except (OSError, SafetensorError):
            return None  # absent or damaged: it is computed (again)
        whole = all(
            tensor.dim() == (2 if name == "logits" else 3)
            and tensor.shape[:2] == (count, 2)
            and tensor.is_floating_point()
            and bool(tensor.isfinite().all())
            for name, tensor in found.items()
        )
        return found if whole else None

    def _keep(self, examples: Sequence[tuple[str, ...]], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        if processes.main_here():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self._path(fingerprint(examples)), save(tensors), durable=False)
        return tensors

    def _path(self, of: str) -> Path:
        return self.folder / f"{of}.safetensors"


def fingerprint(examples: Sequence[tuple[str, ...]]) -> str:
    """Of the code of examples: what their labels and their tokens are kept under."""
    return fingerprint_of(code for example in examples for code in example)


def labelling_batch(teacher: nn.Module) -> int:
    """How many functions a teacher labels at once."""
    return _SMALL_BATCH if _wide(teacher) and next(teacher.parameters()).device.type == "cpu" else 64


def labelling_precision(teacher: nn.Module, device: str | None = None, precision: str | None = None) -> Precision:
    """In which precision a teacher labels; None: half precision on CUDA, and for a wide teacher on a CPU with units for
    it, else float32. docs/results.md, "Training and labelling", has what that is worth.

    Raises:
        SettingsError: as `choose`.
    """
    compute = choose(device, precision)
    if precision is None and compute.device.type == "cpu" and _wide(teacher) and multiplies_bfloat16():
        return Precision.BFLOAT16
    return compute.precision


def _wide(teacher: nn.Module) -> bool:
    return int(encoder_config(teacher).hidden_size) >= _WIDE


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
