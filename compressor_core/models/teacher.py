"""Bases of teachers: any Hugging Face encoder by name or folder, or one trained from scratch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoModel,
    AutoModelForSequenceClassification,
    PretrainedConfig,
    PreTrainedTokenizerBase,
)

from compressor_core.architecture import Architecture
from compressor_core.bundled import GRAPHCODEBERT, model_folder
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError
from compressor_core.files import checked_path
from compressor_core.language import Language
from compressor_core.models import graph
from compressor_core.models.card import CARD, DATA_FLOW_NODES, MAX_TOKENS, MAX_TOKENS_BESIDE_FLOW, ModelCard, read_card
from compressor_core.models.classifier import Classifier, require_same_vocabulary, tried
from compressor_core.models.folder import foreign_root, names_without, require_files
from compressor_core.models.hub import fetch
from compressor_core.models.pair import PairClassifier, read_config, without_pooler
from compressor_core.models.positions import most_tokens
from compressor_core.models.pretrained import read_model, read_tokenizer, set_padding
from compressor_core.models.reading import QUIET, readable
from compressor_core.models.student import build
from compressor_core.models.weights import json_object
from compressor_core.task import PairFeatures, Task

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_COUNT_FROM_TWO = {"roberta", "xlm-roberta", "camembert"}
"""Model families that number positions from 2, which leaves 0 for data-flow nodes."""


def from_scratch(
    architecture: Architecture,
    functions: Iterable[str],
    task: Task,
    labels: tuple[str, str],
    max_length: int,
    pair_features: PairFeatures = PairFeatures.COMPARE,
    data_flow: Language | None = None,
    dropout: float = 0.0,
) -> Classifier:
    """Freshly initialised model (from torch's global generator) with a tokenizer trained on `functions`.

    Raises:
        DataError: the vocabulary is too small for the 256 bytes.
    """
    texts = functions if data_flow is None else (graph.text_of(code, data_flow) for code in functions)
    tokenizer = train_tokenizer(texts, architecture.vocab_size)
    model = build(architecture, task, pair_features, labels=labels, dropout=dropout)
    pair = pair_features if task is Task.CLONE else None
    longest = MAX_TOKENS if data_flow is None else MAX_TOKENS_BESIDE_FLOW
    card = ModelCard(
        task=task,
        labels=labels,
        max_length=min(max_length, longest),
        architecture=architecture,
        pair_features=pair,
        data_flow=data_flow,
    )
    return Classifier(model, tokenizer, card)


def load_encoder(
    base: str | Path,
    task: Task,
    labels: tuple[str, str],
    max_length: int,
    pair_features: PairFeatures = PairFeatures.COMPARE,
    data_flow: Language | None = None,
) -> Classifier:
    """Pre-trained encoder with a fresh classification head, from a folder, the local cache or the hub.

    Code that comes with a model is never run, and no weight of the encoder may be missing.

    Raises:
        ModelError: the folder or name is not a usable encoder; the message says what is missing.
    """
    folder = find_encoder(base)
    config = _config(folder)
    if data_flow is not None and config.model_type not in _COUNT_FROM_TWO:
        raise ModelError(
            f"{base} is a {config.model_type} model, which cannot read data flow: "
            f"switch data flow off, or choose {GRAPHCODEBERT} or another RoBERTa."
        )
    with readable(folder):
        tokenizer = _tokenizer(folder, config)
        set_padding(config, tokenizer, folder)
        config.num_labels = len(labels)
        config.id2label = dict(enumerate(labels))
        config.label2id = {name: i for i, name in enumerate(labels)}
        config.problem_type = None  # otherwise a pipeline would use the problem type of the base
        model = _model(folder, config, task, pair_features)
    longest = most_tokens(model) - (DATA_FLOW_NODES if data_flow else 0)
    if longest < 3:
        raise ModelError(
            f"{base} has too few positions for code{' and data flow' if data_flow else ''}: choose another."
        )
    card = ModelCard(
        task=task,
        labels=labels,
        max_length=min(max_length, longest),
        architecture=None if (own := read_card(folder)) is None else own.architecture,
        pair_features=pair_features if task is Task.CLONE else None,
        data_flow=data_flow,
    )
    return tried(Classifier(model.train(), tokenizer, card), folder)


def find_encoder(base: str | Path) -> Path:
    """Folder of a pre-trained model with all its files: `base` itself, or its copy from the cache or the hub.

    Raises:
        ModelError: the folder does not exist, a file is missing in it, or the name cannot be fetched; within seconds.
    """
    folder, base = checked_path(model_folder(base)), str(base)
    if not folder.exists():
        if not _HUB_NAME.fullmatch(base) or base.startswith(".") or os.path.isabs(base):
            raise ModelError(f"There is no model folder {base}: check the path, or give a Hugging Face name.")
        folder = fetch(base)
    if not folder.is_dir():
        raise ModelError(f"{base} is a file: give the folder of the model, with config.json, weights and tokenizer.")
    require_files(folder)
    return folder


def reads_data_flow(base: str | Path) -> bool:
    """Whether a base was trained to read data flow: GraphCodeBERT by name, or a folder by its own files."""
    if "graphcodebert" in str(base).lower():
        return True
    said = {name: json_object(model_folder(base) / name) for name in (CARD, "config.json")}
    origin = str(said["config.json"].get("_name_or_path", "")).lower()
    return said[CARD].get("data_flow") is not None or "graphcodebert" in origin


def _config(folder: Path) -> PretrainedConfig:
    """Configuration, if it is that of an encoder that can be trained as a masked language model."""
    values = json_object(folder / "config.json")
    kind = values.get("model_type", "without a model_type")
    encoders = "this program takes encoders, such as RoBERTa, BERT and DistilBERT models"
    try:
        with QUIET:
            config = read_config(folder)
    except Exception as error:  # transformers raises various errors for an unknown model type
        if "auto_map" in values:
            reason = "needs code of its own, which is never run"
        else:
            reason = "is unknown to transformers, or its configuration is damaged"
        raise ModelError(f"The model in {folder} ({kind}) {reason}: {encoders}.") from error
    if (
        type(config) not in MODEL_FOR_MASKED_LM_MAPPING
        or config.is_encoder_decoder
        or getattr(config, "is_decoder", False)
    ):
        raise ModelError(f"The model in {folder} ({kind}) is no encoder: {encoders}.")
    return config


def _tokenizer(folder: Path, config: PretrainedConfig) -> PreTrainedTokenizerBase:
    tokenizer = read_tokenizer(folder)
    if len(tokenizer) <= 100:
        raise ModelError(f"{folder} has an empty tokenizer: its vocabulary files are missing; copy them too.")
    require_same_vocabulary(folder, tokenizer, config)
    if not tokenizer.is_fast or None in (tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id):
        raise ModelError(f"{folder} has a tokenizer without <s>, </s> and <pad>, or their like: it is no encoder's.")
    return tokenizer


def _model(folder: Path, config: PretrainedConfig, task: Task, pair_features: PairFeatures) -> nn.Module:
    kind: Any = AutoModel if task is Task.CLONE else AutoModelForSequenceClassification
    root = foreign_root(folder, config)
    model, report = read_model(
        kind,
        folder,
        config,
        key_mapping=names_without(root, config) if root else None,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # for a head with other labels; mismatches in the encoder are refused below
    )
    own = "" if task is Task.CLONE else f"{model.base_model_prefix}."
    lost = [*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])]
    lost = sorted(name for name in lost if name.startswith(own) and not name.startswith(f"{own}pooler."))
    if lost:
        raise ModelError(
            f"The weights in {folder} do not fit its config.json: {len(lost)} of the encoder's are missing or of "
            f"another shape, such as {lost[0]}; copy both files from the same model."
        )
    if task is not Task.CLONE:
        classifier: nn.Module = model
        return classifier
    return PairClassifier(model if pair_features is PairFeatures.CONCAT else without_pooler(model), pair_features)
