"""`compressor.json`: what a model folder says of itself beyond Hugging Face's own files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from compressor_core.architecture import Architecture
from compressor_core.errors import CompressorError, ModelError, SettingsError
from compressor_core.files import possible
from compressor_core.language import Language
from compressor_core.plain import check_kinds
from compressor_core.remembered import Remembered
from compressor_core.task import PairFeatures, Task

CARD = "compressor.json"
MAX_TOKENS = 512
"""The most tokens that 514 positions hold: RoBERTa numbers positions from 2."""
DATA_FLOW_NODES = 128
"""Places that code leaves to the nodes of its data flow."""
MAX_TOKENS_BESIDE_FLOW = MAX_TOKENS - DATA_FLOW_NODES


@dataclass(frozen=True)
class ModelCard:
    """Where a model comes from and how it is to be used.

    `max_length` is in tokens, `<s>` and `</s>` included. `data_flow` is the language whose data flow the model reads
    beside the tokens, as GraphCodeBERT does; None: it reads tokens alone. `training` holds the settings of the run
    that made it, `metrics` what that run measured, `versions` the libraries it ran on. `tokenizer_fingerprint` is of
    the vocabulary that the model was saved with, see `Classifier.save`; older folders have none.
    """

    task: Task
    labels: tuple[str, str]
    max_length: int
    architecture: Architecture | None = None
    pair_features: PairFeatures | None = None
    data_flow: Language | None = None
    teacher: str | None = None
    dataset: str | None = None
    dataset_fingerprint: str | None = None
    budget_mb: float | None = None
    seed: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    tokenizer_fingerprint: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.max_length, int) or not 3 <= self.max_length <= MAX_TOKENS:
            raise ModelError(f"max_length must be from 3 to {MAX_TOKENS} tokens, not {self.max_length!r}")
        if self.data_flow is not None and self.max_length > MAX_TOKENS_BESIDE_FLOW:
            raise ModelError(
                f"max_length must be at most {MAX_TOKENS_BESIDE_FLOW} tokens for a model that reads data flow, "
                f"not {self.max_length}"
            )
        if len(self.labels) != 2:
            raise ModelError(f"a model must have two labels, not {list(self.labels)}")

    @property
    def language(self) -> Language | None:
        """What the model learned to read, as far as its card says: by its data flow, else by its dataset."""
        from compressor_core.data.registry import DATASETS

        return self.data_flow or next((info.language for info in DATASETS if info.name == self.dataset), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelCard:
        """The inverse of `to_dict`. Raises ModelError if something is missing or of the wrong kind."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        try:
            check_kinds(cls, known)
            for name in ("training", "metrics", "versions"):
                if not isinstance(known.get(name, {}), Mapping):
                    raise TypeError(f"{name}, which must be an object")
            known["task"] = Task(known["task"])
            if isinstance(known["labels"], str):
                raise TypeError("labels, which must be a list")
            known["labels"] = tuple(str(label) for label in known["labels"])
            if known.get("architecture") is not None:
                known["architecture"] = Architecture.from_dict(known["architecture"])
            if known.get("pair_features") is not None:
                known["pair_features"] = PairFeatures(known["pair_features"])
            if known.get("data_flow") is not None:
                known["data_flow"] = Language(known["data_flow"])
            return cls(**known)
        except (KeyError, TypeError, ValueError, SettingsError) as error:
            raise ModelError(f"{CARD} is missing or has a wrong value for {error}") from error


def read_card(folder: Path) -> ModelCard | None:
    """The card of a model folder; None if it has none. Raises ModelError if it is damaged."""
    path = possible(folder / CARD)
    if not path.is_file():
        return None
    try:
        return _card(path)
    except (OSError, ValueError, RecursionError, CompressorError) as error:
        raise ModelError(f"{path} cannot be used ({error}): restore it, or train or import the model again.") from error


def _parsed(content: bytes) -> ModelCard:
    values = json.loads(content.decode("utf-8"))
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object")
    return ModelCard.from_dict(values)


_card = Remembered(_parsed, most=1 << 20)
"""A list of models asks for the card of each, again and again."""


def size_on_disk(folder: Path) -> int:
    """Bytes of the weights in a model folder."""
    files = list(folder.glob("*.safetensors")) or list(folder.glob("pytorch_model*.bin"))
    return sum(file.stat().st_size for file in files)
