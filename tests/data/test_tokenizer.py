"""Student tokenizers."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import DataError

FUNCTIONS = [example.codes[0] for example in ClassroomVulnerability().examples(Split.VALIDATION)]


def test_size_special_tokens_and_normalisation(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(FUNCTIONS, 1000)
    assert len(tokenizer) == 1000
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>"]) == [0, 1, 2, 3]
    ids = tokenizer("def F(x):\n\n\treturn  X\n")["input_ids"]
    assert ids == tokenizer("def f(x): return x")["input_ids"]
    assert ids[0] == 0 and ids[-1] == 2
    assert tokenizer.decode(ids, skip_special_tokens=True) == "def f(x): return x"

    tokenizer.save_pretrained(tmp_path)
    assert (
        AutoTokenizer.from_pretrained(tmp_path)(FUNCTIONS[:20])["input_ids"] == tokenizer(FUNCTIONS[:20])["input_ids"]
    )


def test_any_text_can_be_encoded() -> None:
    tokenizer = train_tokenizer(FUNCTIONS, 300)
    text = "größe = '漢字 😀 \x00'"
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
    assert 3 not in tokenizer(text)["input_ids"]


def test_a_vocabulary_below_the_bytes_is_refused() -> None:
    with pytest.raises(DataError, match="259 cannot hold"):
        train_tokenizer(FUNCTIONS, 259)
