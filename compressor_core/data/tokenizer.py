"""Byte-pair-encoding tokenizers of any vocabulary size, trained on given functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from compressor_core.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
"""Ids 0 to 3, as in the released students and in RoBERTa's own order."""
SMALLEST_VOCABULARY = len(SPECIAL_TOKENS) + 256
"""The special tokens and one token for each byte."""


def train_tokenizer(functions: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train a lower-casing byte-level BPE tokenizer on code with collapsed white space, like the paper's students'.

    The normalisation is part of the tokenizer, so the saved `tokenizer.json` reads raw code by itself. The
    vocabulary is smaller than `vocab_size` if the functions have too few different character sequences.

    Raises:
        DataError: `vocab_size` cannot hold the 256 bytes and the special tokens.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    if vocab_size < SMALLEST_VOCABULARY:
        raise DataError(
            f"a vocabulary of {vocab_size} cannot hold the 256 bytes and {len(SPECIAL_TOKENS)} special tokens: "
            f"use {SMALLEST_VOCABULARY} or more"
        )
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    try:
        tokenizer.train_from_iterator(functions, trainer)
    except UnicodeEncodeError as error:
        raise DataError(f"a function contains a lone surrogate ({error}): leave it out") from error
    return with_special_tokens(tokenizer)


def with_special_tokens(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """Wrap the tokenizer for transformers; `SPECIAL_TOKENS` have the same roles as in RoBERTa."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    )
