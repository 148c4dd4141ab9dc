"""Tokenizer and model of a Hugging Face folder, whichever version of transformers or trainer has written it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from transformers import (
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from compressor_core.errors import ModelError
from compressor_core.models.folder import model_class, wrapped_state
from compressor_core.models.weights import json_object


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Tokenizer of a model folder; from its tokenizer.json alone if its class is of another transformers."""
    kind = json_object(folder / "tokenizer_config.json").get("tokenizer_class")
    tokenizer: PreTrainedTokenizerBase
    if isinstance(kind, str) and not hasattr(transformers, kind) and (folder / "tokenizer.json").is_file():
        # Transformers 5 lists the extra special tokens, where 4 expects a dictionary; tokenizer.json has them all.
        tokenizer = PreTrainedTokenizerFast.from_pretrained(
            folder, local_files_only=True, extra_special_tokens={}, trust_remote_code=False
        )
    else:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return tokenizer


def read_model(
    kind: Any, folder: Path, config: PretrainedConfig, **options: Any
) -> tuple[PreTrainedModel, dict[str, list[Any]]]:
    """Model of the auto class `kind` with the weights of a folder, and transformers' report on them.

    The weights may be those inside a training checkpoint. The model is saved under transformers' own names, whatever
    the `key_mapping` among the options.
    """
    place: Path | None = folder
    if (state := wrapped_state(folder)) is not None:
        # Without a folder, only a model's own class loads a state dict.
        kind, place, options["state_dict"] = model_class(kind._model_mapping, config), None, state
    model, report = kind.from_pretrained(
        place, config=config, local_files_only=True, trust_remote_code=False, output_loading_info=True, **options
    )
    model._weight_conversions = None  # with those of the mapping, transformers would save the names of the file
    return model, report


def set_padding(config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Take the padding id from the tokenizer if config.json has none. Raises ModelError if neither has one."""
    if getattr(config, "pad_token_id", None) is None:
        if tokenizer.pad_token_id is None:
            raise ModelError(
                f"Neither config.json nor tokenizer_config.json in {folder} names a token for padding: set pad_token "
                "in tokenizer_config.json to one of the vocabulary, such as <pad>."
            )
        config.pad_token_id = tokenizer.pad_token_id
