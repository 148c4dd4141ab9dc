"""Conversion of a tokenizer to a plain table for `page/tokenizer.js`; unsupported tokenizers are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from compressor_core.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PATTERNS: Final = {
    r"\s+": r"\p{White_Space}+",
    r"[\s\x1c-\x1f]+": r"[\p{White_Space}\x1c-\x1f]+",
}
"""Regular expressions of this program's tokenizers, and their JavaScript equivalents, since its `\\s` differs."""
_MODEL: Final = {
    "type": "BPE",
    "dropout": None,
    "continuing_subword_prefix": None,
    "end_of_word_suffix": None,
    "fuse_unk": False,
    "byte_fallback": False,
    "ignore_merges": False,
}
"""Required values of a tokenizer's model, if present; some libraries write "" for None."""


def tokenizer_table(tokenizer: PreTrainedTokenizerBase, max_length: int) -> dict[str, Any]:
    """Input of `makeTokenizer` in `page/tokenizer.js`, as plain values for JSON; its keys are explained there.

    Raises:
        ModelError: the tokenizer has a part that the JavaScript does not support.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise _refusal(f"a {type(tokenizer).__name__}, which has no tokenizer.json")
    if tokenizer.truncation_side != "right":
        raise _refusal("one that cuts off the beginning of a long function")
    whole = json.loads(backend.to_str())
    before = _part(whole, "pre_tokenizer", "ByteLevel")
    if before.get("use_regex") is False:
        raise _refusal("one that does not split text into words")
    around = _part(whole, "post_processor", "RobertaProcessing")
    model = whole["model"]
    for name, value in _MODEL.items():
        if (model.get(name) or None) != (value or None):
            raise _refusal(f"one whose model has {name} = {model.get(name)!r}")
    vocabulary: dict[str, int] = model["vocab"]
    return {
        "specials": {_special(token): token["id"] for token in whole["added_tokens"]},
        "normalizers": _normalizers(whole.get("normalizer")),
        "prefixSpace": bool(before["add_prefix_space"]),
        "bytes": _bytes(vocabulary),
        "merges": _merges(model["merges"], vocabulary),
        "start": around["cls"][1],
        "end": around["sep"][1],
        "maxLength": max_length,
    }


def _refusal(what: str) -> ModelError:
    return ModelError(
        f"No page for the browser can be made: the model's tokenizer is {what}, and the page knows the byte-level BPE "
        "of this program's students alone; distill a student from this model and export that."
    )


def _part(whole: Mapping[str, Any], name: str, wanted: str) -> dict[str, Any]:
    part: dict[str, Any] = whole.get(name) or {}
    if part.get("type") != wanted:
        raise _refusal(f"one whose {name} is {part.get('type') or 'missing'}, not {wanted}")
    return part


def _special(token: Mapping[str, Any]) -> str:
    if odd := [name for name in ("single_word", "lstrip", "rstrip", "normalized") if token[name]]:
        raise _refusal(f"one whose token {token['content']!r} is {odd[0]}")
    return str(token["content"])


def _normalizers(part: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    match part:
        case None:
            return []
        case {"type": "Sequence", "normalizers": parts}:
            return [step for each in parts for step in _normalizers(each)]
        case {"type": "Replace", "pattern": {"Regex": pattern}, "content": content} if pattern in _PATTERNS:
            return [{"type": "replace", "pattern": _PATTERNS[pattern], "content": content}]
        case {"type": "Strip", "strip_left": left, "strip_right": right}:
            return [{"type": "strip", "left": left, "right": right}]
        case {"type": "Lowercase"}:
            return [{"type": "lowercase"}]
    raise _refusal(f"one whose normalizer has {json.dumps(part, ensure_ascii=False)[:120]}")


def _bytes(vocabulary: Mapping[str, int]) -> list[int]:
    """Id of each byte, which a byte-level vocabulary represents by a visible character."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    stand_ins = count(256)  # for bytes without a visible character, in order
    characters = [chr(byte if byte in shown else next(stand_ins)) for byte in range(256)]
    if missing := [byte for byte, character in enumerate(characters) if character not in vocabulary]:
        raise _refusal(f"one without a token for the byte {missing[0]}")
    return [vocabulary[character] for character in characters]


def _merges(merges: list[Any], vocabulary: Mapping[str, int]) -> list[tuple[int, int, int]]:
    """Ids of the left part, the right part and the merged token. Each part must be a byte or the result of an earlier
    rule: only then can a rule be applied to all its places in a word at once."""
    made: set[str] = set()
    rules = []
    for merge in merges:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        if any(len(part) > 1 and part not in made for part in (left, right)):
            raise _refusal(f"one whose merge of {left!r} and {right!r} stands before those that make its parts")
        made.add(left + right)
        rules.append((vocabulary[left], vocabulary[right], vocabulary[left + right]))
    return rules
