"""Inputs from code for the ONNX file of a model that reads data flow, without loading its PyTorch model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from compressor_core.errors import ModelError
from compressor_core.language import Language
from compressor_core.models import graph
from compressor_core.models.card import CARD, read_card
from compressor_core.models.pretrained import read_tokenizer


def reader(folder: Path) -> Callable[[Sequence[str]], list[NDArray[Any]]]:
    """Function that maps the functions of one example to the arrays that the file reads, in the order of its inputs.

    `folder` has the model's card and tokenizer. Raises ModelError if the model does not read data flow.
    """
    language, length = _read(folder)
    tokenizer = read_tokenizer(folder)
    pad_id = int(tokenizer.pad_token_id or 0)

    def read(codes: Sequence[str]) -> list[NDArray[Any]]:
        functions = graph.encode(tokenizer, codes, language, length)
        return [array for function in functions for array in graph.arrays([function], pad_id).values()]

    return read


def token_counts(folder: Path, codes: Sequence[str]) -> list[int]:
    """Number of tokens of each function without truncation, for the model in `folder`, see `reader`."""
    (language, _), tokenizer = _read(folder), read_tokenizer(folder)
    texts = [graph.text_of(code, language) for code in codes]
    return [len(tokenizer(text, return_attention_mask=False, verbose=False)["input_ids"]) for text in texts]


def _read(folder: Path) -> tuple[Language, int]:
    """Language whose data flow a model reads, and how many tokens. Raises ModelError if it reads none."""
    card = read_card(folder)
    if card is None or card.data_flow is None:
        raise ModelError(f"{CARD} in {folder} names no data flow: give the folder of a model that reads it")
    return card.data_flow, card.max_length
