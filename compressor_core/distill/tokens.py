"""Tokens of many functions: encoded once per tokenizer, cached by content, and memory-mapped afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from compressor_core.cache import cache_folder
from compressor_core.distill.soft_labels import fingerprint
from compressor_core.files import write_cached
from compressor_core.models.classifier import Classifier
from compressor_core.models.encoded import Examples, Functions
from compressor_core.progress import relay
from compressor_core.records import Progress, Work

_FORMAT = 1
"""Increase this whenever the same code is encoded differently."""
Codes = Sequence[tuple[str, ...]]


def encoded(model: Classifier, examples: Codes, *, keep: bool, together: int = 1) -> Work[Examples]:
    """Inputs of `model` for the examples, in groups of `together` consecutive ones. With `keep`, they are cached.

    Keep what is read again: the fixed splits of a dataset or a pool, but not a draw of a fresh dataset.
    """
    tokens = Tokens(model) if keep else None
    kept = None if tokens is None else tokens.kept(fingerprint(examples), len(examples))
    if kept is not None:
        kept.together = together
        return kept
    found = yield from relay(
        model.encoding(examples), lambda done: Progress(message=f"Encoding, {done:,} functions done")
    )
    if tokens is not None:
        tokens.keep(fingerprint(examples), found)
    found.together = together
    return found


class Tokens:
    """Token cache of one tokenizer, for the number of tokens and the data flow that its model reads."""

    def __init__(self, model: Classifier, cache: Path | None = None) -> None:
        self._folder = (cache or cache_folder()) / "tokens" / _tokenizer_fingerprint(model)
        self._vocabulary = len(model.tokenizer)

    def kept(self, of: str, count: int) -> Examples | None:
        """The `count` examples with fingerprint `of`, memory-mapped; None if not cached completely."""
        try:
            with safe_open(self._path(of), "pt") as file:
                arrays = {name: file.get_tensor(name).numpy() for name in file.keys()}  # noqa: SIM118
            found = Examples(Functions(arrays), arrays["rows"])
            ids = arrays["ids"]
            if ids.size and not 0 <= ids.min() <= ids.max() < self._vocabulary:
                return None
        except (OSError, SafetensorError, KeyError, ValueError, IndexError, TypeError):
            return None  # missing or damaged: compute it (again)
        return found if len(found) == count else None

    def keep(self, of: str, examples: Examples) -> Examples:
        """Write the examples to the cache. Raises StorageError."""
        arrays = {**examples.functions.arrays, "rows": examples.rows}
        content = save({name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()})
        write_cached(self._path(of), content)
        return examples

    def _path(self, of: str) -> Path:
        return self._folder / f"{of}.safetensors"


def _tokenizer_fingerprint(model: Classifier) -> str:
    tokenizer: Any = model.tokenizer
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    # These are set by the last call and are not part of the tokenizer.
    described.update(truncation=None, padding=None)
    parts = [_FORMAT, tokenizers.__version__, described, tokenizer.cls_token_id, tokenizer.sep_token_id]
    parts += [model.card.max_length, model.card.data_flow]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
