"""Soft labels: the teacher's logits on unlabelled functions, computed once and cached by content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from compressor_core.bundled import model_folder
from compressor_core.cache import cache_folder
from compressor_core.data.dataset import fingerprint_of
from compressor_core.distill import processes
from compressor_core.files import write_cached
from compressor_core.models.classifier import Classifier
from compressor_core.models.compute import Precision, choose, multiplies_bfloat16
from compressor_core.models.pair import encoder_config
from compressor_core.progress import relay
from compressor_core.records import Progress, Work
from compressor_core.task import Task

_WIDE, _SMALL_BATCH = 512, 8
"""From this width on, a CPU labels faster in small batches, whose activations fit in its cache."""
HALF_FROM: Final = 192
"""Smallest width measured with which a teacher labels faster in bfloat16 on a CPU with units for it."""
_DECIDING = (".safetensors", ".bin", ".json", ".txt", ".model")
"""Suffixes of the files that determine a model's answers."""


class SoftLabels:
    """Logits of one teacher, cached by its fingerprint, its precision and the fingerprint of the functions."""

    def __init__(
        self,
        teacher: Classifier,
        teacher_folder: str | Path,
        cache: Path | None = None,
        precision: Precision = Precision.FLOAT32,
    ) -> None:
        self._teacher = teacher
        self._precision = precision
        name = model_fingerprint(teacher_folder) + ("" if precision is Precision.FLOAT32 else f"-{precision}")
        self.folder = (cache or cache_folder()) / "soft-labels" / name
        self._batch_size = labelling_batch(teacher.model)

    def of(self, examples: Sequence[tuple[str, ...]]) -> Work[Tensor]:
        """Logits (examples, 2) in the given order; the work can be stopped after each record.

        Takes code only, so that no gold label can reach the student.
        """
        found = yield from self._found(examples, ("logits",), self._teacher.predicting)
        return found["logits"]

    def with_states(self, examples: Sequence[tuple[str, ...]]) -> Work[tuple[Tensor, Tensor]]:
        """Logits as of `of`, and the teacher's pooled states (examples, 2, hidden) in float16."""
        found = yield from self._found(examples, ("logits", "pooled"), self._teacher.predicting_pooled)
        return found["logits"], found["pooled"]

    def _found(
        self, examples: Sequence[tuple[str, ...]], names: tuple[str, ...], ask: Callable[..., Generator[int, None, Any]]
    ) -> Work[dict[str, Tensor]]:
        """Tensors with these names, from the cache or computed by the teacher."""
        kept = self._read(fingerprint(examples), len(examples), names)
        if processes.any_of(kept is None) or kept is None:
            steps = processes.shared(examples, lambda some: ask(some, self._batch_size, self._precision))
            what = "pairs" if self._teacher.card.task is Task.CLONE else "functions"
            said = f"of {len(examples):,} {what}"
            answers = yield from relay(steps, lambda done: Progress(message=f"The teacher labels {done:,} {said}"))
            tensors = answers if isinstance(answers, tuple) else (answers,)
            kept = self._keep(examples, dict(zip(names, tensors, strict=True)))
        return kept

    def known(self, of: str, count: int) -> Tensor | None:
        """Logits (count, 2) of the examples with the code fingerprint `of`; None if not cached."""
        kept = self._read(of, count, ("logits",))
        return None if kept is None else kept["logits"]

    def has(self, examples: Sequence[tuple[str, ...]]) -> bool:
        """Whether all of these examples are labelled already."""
        return self.known(fingerprint(examples), len(examples)) is not None

    def _read(self, of: str, count: int, names: Sequence[str]) -> dict[str, Tensor] | None:
        """Cached tensors with these names; None unless all are complete."""
        try:
            with safe_open(self._path(of), "pt") as file:
                found = {name: file.get_tensor(name) for name in names}
        except (OSError, SafetensorError):
            return None  # missing or damaged: compute it (again)
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
            write_cached(self._path(fingerprint(examples)), save(tensors))
        return tensors

    def _path(self, of: str) -> Path:
        return self.folder / f"{of}.safetensors"


def fingerprint(examples: Sequence[tuple[str, ...]]) -> str:
    """Fingerprint of the code of examples, the cache key of their labels and tokens."""
    return fingerprint_of(code for example in examples for code in example)


def labelling_batch(teacher: nn.Module) -> int:
    """Batch size in which a teacher labels."""
    small = _width(teacher) >= _WIDE and next(teacher.parameters()).device.type == "cpu"
    return _SMALL_BATCH if small else 64


def labelling_precision(teacher: nn.Module, device: str | None = None, precision: str | None = None) -> Precision:
    """Precision in which a teacher labels.

    The default is half precision on CUDA, and for a teacher of `HALF_FROM` dimensions or more on a CPU with units for
    it, else float32.

    Raises:
        SettingsError: as `choose`.
    """
    compute = choose(device, precision)
    wide = compute.device.type == "cpu" and _width(teacher) >= HALF_FROM
    if precision is None and wide and multiplies_bfloat16():
        return Precision.BFLOAT16
    return compute.precision


def _width(teacher: nn.Module) -> int:
    return int(encoder_config(teacher).hidden_size)


def model_fingerprint(model: str | Path) -> str:
    """Sixteen hexadecimal digits over everything that determines a model's answers: weights, settings, tokenizer and
    card."""
    folder, digest = model_folder(model), hashlib.sha256()
    for path in sorted(path for ending in _DECIDING for path in folder.glob(f"*{ending}")):
        if path.is_file():
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
