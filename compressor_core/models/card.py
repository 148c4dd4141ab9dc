"""Model card `compressor.json`, which complements Hugging Face's own files in a model folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, PlainSerializer, PlainValidator, model_validator

from compressor_core.architecture import Architecture, read_architecture
from compressor_core.bundled import model_folder
from compressor_core.errors import CompressorError, ModelError
from compressor_core.files import checked_path
from compressor_core.language import Language
from compressor_core.remembered import Remembered
from compressor_core.settings import Settings
from compressor_core.task import PairFeatures, Task

CARD = "compressor.json"
MAX_TOKENS = 512
"""Maximum number of tokens with 514 positions, since RoBERTa numbers positions from 2."""
DATA_FLOW_NODES = 128
"""Places reserved for the nodes of the data flow."""
MAX_TOKENS_BESIDE_FLOW = MAX_TOKENS - DATA_FLOW_NODES


class ModelCard(Settings):
    """Origin and use of a model. Raises ModelError or SettingsError for an invalid value."""

    model_config = ConfigDict(extra="ignore")
    title: ClassVar[str] = CARD

    task: Task
    labels: tuple[str, str] = Field(description="names of the classes 0 and 1")
    max_length: int = Field(strict=True, description="maximum number of tokens read, including `<s>` and `</s>`")
    architecture: (
        Annotated[Architecture, PlainValidator(read_architecture), PlainSerializer(Architecture.to_dict)] | None
    ) = None
    pair_features: PairFeatures | None = None
    data_flow: Language | None = Field(default=None, description="language whose data flow is read beside the tokens")
    teacher: str | None = None
    base: str | None = Field(
        default=None, description="hub name of the model that a teacher of recorded answers was fine-tuned from"
    )
    dataset: str | None = None
    dataset_fingerprint: str | None = None
    licence: str | None = Field(default=None, description="licence on the hub, such as mit")
    budget_mb: float | None = Field(default=None, strict=True)
    seed: int | None = Field(default=None, strict=True)
    training: dict[str, Any] = Field(default={}, description="settings of the run that made the model")
    metrics: dict[str, Any] = Field(default={}, description="measurements of that run")
    versions: dict[str, str] = Field(default={}, description="versions of libraries used")
    tokenizer_fingerprint: str | None = Field(default=None, description="fingerprint of the saved vocabulary")

    @model_validator(mode="after")
    def _fits(self) -> ModelCard:
        if not 3 <= self.max_length <= MAX_TOKENS:
            raise ModelError(f"max_length must be from 3 to {MAX_TOKENS} tokens, not {self.max_length!r}")
        if self.data_flow is not None and self.max_length > MAX_TOKENS_BESIDE_FLOW:
            raise ModelError(
                f"max_length must be at most {MAX_TOKENS_BESIDE_FLOW} tokens for a model that reads data flow, "
                f"not {self.max_length}"
            )
        return self

    @property
    def learned(self) -> frozenset[str]:
        """Fingerprint of the data that the model learned from, if known."""
        return frozenset(filter(None, (self.dataset_fingerprint,)))

    @property
    def language(self) -> Language | None:
        """Language that the model learned: that of its data flow, else of its dataset."""
        from compressor_core.data.registry import DATASETS

        return self.data_flow or next((info.language for info in DATASETS if info.name == self.dataset), None)


def read_card(folder: Path | str) -> ModelCard | None:
    """Card of a model folder or bundled model; None if it has none. Raises ModelError if damaged."""
    path = checked_path(model_folder(folder) / CARD)
    if not path.is_file():
        return None
    try:
        return _card(path)
    except (OSError, ValueError, RecursionError, CompressorError) as error:
        raise ModelError(f"{path} cannot be used ({error}): restore it, or train or import the model again.") from error


_card = Remembered(lambda content: ModelCard.model_validate(json.loads(content.decode("utf-8"))), most=1 << 20)
"""Cache, since lists of models read every card repeatedly."""


def size_on_disk(folder: Path | str) -> int:
    """Size of the weights in a model folder, in bytes."""
    folder = model_folder(folder)
    files = list(folder.glob("*.safetensors")) or list(folder.glob("pytorch_model*.bin"))
    return sum(file.stat().st_size for file in files)
