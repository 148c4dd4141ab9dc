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
from compressor_core.models.folder import model_class, pieces_alone, wrapped_state
from compressor_core.models.weights import json_object


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Tokenizer of a model folder; from its tokenizer.json alone if its class is of another transformers, or fails.

    Raises ModelError if transformers fails to read a SentencePiece model without tokenizer.json.
    """
    kind = json_object(folder / "tokenizer_config.json").get("tokenizer_class")
    whole = (folder / "tokenizer.json").is_file()
    tokenizer: PreTrainedTokenizerBase
    if not (whole and isinstance(kind, str) and not hasattr(transformers, kind)):
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            return tokenizer
        except Exception as error:  # a class may need tokens that the vocabulary lacks, and raises anything
            if (pieces := pieces_alone(folder)) is not None:
                raise ModelError(
                    f"Transformers {transformers.__version__} cannot read the tokenizer in {folder}, a SentencePiece "
                    f"model alone ({pieces}): copy it again if it is damaged, or add the model's tokenizer.json, which "
                    "AutoTokenizer of another version, such as 4.57, may read and save_pretrained."
                ) from error
            if not whole:
                raise
    # Transformers 5 lists the extra special tokens, where 4 expects a dictionary; tokenizer.json has them all.
    tokenizer = PreTrainedTokenizerFast.from_pretrained(
        folder, local_files_only=True, extra_special_tokens={}, trust_remote_code=False
    )
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
