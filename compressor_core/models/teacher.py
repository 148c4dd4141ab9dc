"""Where teachers come from: any Hugging Face encoder by name or folder, or one trained from scratch."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from transformers import AutoModelForSequenceClassification, AutoTokenizer, PretrainedConfig

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError
from compressor_core.models.bundled import FROM_SCRATCH
from compressor_core.models.card import MAX_TOKENS, ModelCard
from compressor_core.models.classifier import Classifier, readable, require_files
from compressor_core.models.student import build
from compressor_core.task import PairFeatures, Task

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def from_scratch(
    architecture: Architecture,
    functions: Sequence[str],
    task: Task,
    labels: tuple[str, str],
    max_length: int,
    pair_features: PairFeatures = PairFeatures.COMPARE,
) -> Classifier:
    """A freshly initialised model (from torch's global generator) with a tokenizer trained on `functions`.

    Raises:
        DataError: the vocabulary is too small for the 256 bytes.
    """
    tokenizer = train_tokenizer(functions, architecture.vocab_size)
    model = build(architecture, task, pair_features, labels=labels)
    pair = pair_features if task is Task.CLONE else None
    return Classifier(model, tokenizer, ModelCard(task, labels, max_length, architecture, pair))


def load_encoder(base: str, task: Task, labels: tuple[str, str], max_length: int) -> Classifier:
    """A pre-trained encoder with a fresh classification head, from a folder, the local cache or the hub.

    Raises:
        ModelError: the folder or name is not a usable encoder; the sentence says what is missing.
    """
    if task is not Task.VULNERABILITY:
        raise ModelError(f"{base!r} cannot be fine-tuned for {task} yet: use the base {FROM_SCRATCH!r}")
    folder = Path(base)
    if folder.is_dir():
        require_files(folder)
    elif not _HUB_NAME.fullmatch(base) or base.startswith(".") or os.path.isabs(base):
        raise ModelError(f"There is no model folder {base}: check the path, or give a Hugging Face name.")
    else:
        _require_reachable(base)
    with readable(folder):
        tokenizer = AutoTokenizer.from_pretrained(base)
        if len(tokenizer) <= 100:
            raise ModelError(f"{base} has an empty tokenizer: its vocabulary files are missing; copy them too.")
        model = AutoModelForSequenceClassification.from_pretrained(
            base, num_labels=2, id2label=dict(enumerate(labels)), label2id={name: i for i, name in enumerate(labels)}
        )
    return Classifier(model.train(), tokenizer, ModelCard(task, labels, min(max_length, _longest(model.config))))


def _longest(config: PretrainedConfig) -> int:
    positions = getattr(config, "max_position_embeddings", MAX_TOKENS + 2)
    return min(positions - 2, MAX_TOKENS)


def _require_reachable(name: str) -> None:
    """Refuse at once, not after the library's half a minute of retries, when a hub name cannot be had."""
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return
    try:
        HfApi().model_info(name, timeout=5)
    except HfHubHTTPError as error:
        raise ModelError(f"The hub has no public model {name!r}: check its name, or give a folder.") from error
    except Exception as error:  # whatever the network layer raises: the remedy is the same
        raise ModelError(
            f"There is no folder {name!r}, it is not in the local cache, and the hub cannot be reached: "
            "download the model on a machine with a network and give its folder."
        ) from error
