"""A tokenizer becomes a table for the page, or it is refused: one that the page would run otherwise never passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from compressor_core.data.tokenizer import train_tokenizer, with_special_tokens
from compressor_core.errors import ModelError
from compressor_core.export.page_tokenizer import tokenizer_table

CODES = ["def f(x): return x", "def g(yy):\n    while yy:\n        yy -= 1\n    return yy", "for item in items: pass"]


def test_the_table_holds_what_the_tokenizer_does() -> None:
    tokenizer = train_tokenizer(CODES, 290)
    table = tokenizer_table(tokenizer, 128)
    assert table["specials"] == {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    assert (table["start"], table["end"], table["maxLength"], table["prefixSpace"]) == (0, 2, 128, False)
    assert [step["type"] for step in table["normalizers"]] == ["replace", "strip", "lowercase"]
    assert table["bytes"][ord("x")] == tokenizer.convert_tokens_to_ids("x")
    assert table["bytes"][ord(" ")] == tokenizer.convert_tokens_to_ids("Ġ")
    assert sorted(table["bytes"]) == sorted(set(table["bytes"])) and len(table["bytes"]) == 256
    names: Any = tokenizer.convert_ids_to_tokens
    assert len(table["merges"]) == len(tokenizer) - 260 > 20
    assert all(names(left) + names(right) == names(merged) for left, right, merged in table["merges"])
    json.dumps(table)


def changed(change: Callable[[dict[str, Any]], None]) -> Any:
    whole = json.loads(train_tokenizer(CODES, 290).backend_tokenizer.to_str())
    change(whole)
    return with_special_tokens(Tokenizer.from_str(json.dumps(whole)))


def normalizer(value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda whole: whole.update(normalizer=value)


def model(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda whole: whole["model"].update(values)


def added(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda whole: whole["added_tokens"][3].update(values)


def without_byte(whole: dict[str, Any]) -> None:
    del whole["model"]["vocab"]["~"]


def backwards(whole: dict[str, Any]) -> None:
    whole["model"]["merges"].reverse()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (normalizer({"type": "NFC"}), '"NFC"'),
        (normalizer({"type": "Replace", "pattern": {"Regex": r"\d+"}, "content": "0"}), "normalizer has"),
        (normalizer({"type": "Sequence", "normalizers": [{"type": "StripAccents"}]}), "StripAccents"),
        (lambda whole: whole.update(pre_tokenizer={"type": "Whitespace"}), "pre_tokenizer is Whitespace"),
        (lambda whole: whole["pre_tokenizer"].update(use_regex=False), "does not split"),
        (lambda whole: whole.update(post_processor=None), "post_processor is TemplateProcessing"),
        (model(dropout=0.1), "dropout = 0.1"),
        (model(ignore_merges=True), "ignore_merges = True"),
        (model(byte_fallback=True), "byte_fallback = True"),
        (added(lstrip=True), "'<unk>' is lstrip"),
        (added(normalized=True), "'<unk>' is normalized"),
        (without_byte, "the byte 126"),
        (backwards, "stands before"),
    ],
)
def test_a_part_that_the_page_does_not_know_is_refused(change: Callable[[dict[str, Any]], None], named: str) -> None:
    with pytest.raises(ModelError, match=r"No page for the browser.*distill a student") as raised:
        tokenizer_table(changed(change), 128)
    assert named in str(raised.value)


def test_what_is_no_byte_level_tokenizer_is_refused(minilm: Path) -> None:
    from transformers import AutoTokenizer

    with pytest.raises(ModelError, match="not ByteLevel"):
        tokenizer_table(AutoTokenizer.from_pretrained(minilm), 128)


def test_one_that_cuts_off_the_beginning_is_refused() -> None:
    tokenizer = train_tokenizer(CODES, 290)
    tokenizer.truncation_side = "left"
    with pytest.raises(ModelError, match="beginning"):
        tokenizer_table(tokenizer, 128)
