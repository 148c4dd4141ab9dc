"""Meaning of labels: numbers in all forms, and words whose class is obvious."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

from compressor_core.data.dataset import Dataset
from compressor_core.errors import ModelError

_MARKS: Final = {"0": 0, "no": 0, "n": 0, "none": 0, "1": 1, "yes": 1, "y": 1}
"""Labels that only count as a whole."""
_NEGATIVE: Final = """
    safe secure clean good benign harmless normal legitimate correct sound ok okay fixed patched repaired different
    distinct negative
"""
_POSITIVE: Final = """
    vulnerable vulnerability vul vuln unsafe insecure bug buggy bad defect defective fault faulty flaw flawed weak
    weakness exploitable dangerous harmful malicious broken wrong abnormal clone cloned same duplicate positive
"""
_WORDS: Final = dict.fromkeys(_NEGATIVE.split(), 0) | dict.fromkeys(_POSITIVE.split(), 1)
_DENYING: Final = frozenset(("no", "non", "not", "without", "free", "isn't", "aren't", "doesn't", "hasn't"))
_SILENT: Final = frozenset(
    (
        *("a", "an", "any", "the", "this", "it", "is", "are", "does", "has", "have", "be", "of", "in", "with", "yes"),
        *("contain", "contains", "containing", "found", "detected", "known", "security", "software", "source", "code"),
        *("function", "functions", "method", "program", "file", "snippet", "sample", "example", "pair", "pairs"),
        *("class", "commit", "version", "python", "java", "c"),
    )
)
"""Words that change nothing beside a word whose class is obvious; beside any other one, the class is not."""
_PREFIXED: Final = re.compile(r"(?:non|not|no|un|in)(\w{3,})")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PHRASE: Final = re.compile(r"[\w\s:.,()'-]+")
_PART: Final = re.compile(r"[^\W_]+(?:'t)?")
_NUMBERED: Final = re.compile(r"(\D*?)0*([01])(\D*)")
"""A label with the number of a class as its only one, such as LABEL_1."""
_TRUTH: Final = {"true": "1", "t": "1", "false": "0", "f": "0"}


def plain(value: object) -> str:
    """A label as text: 1, 1.0, "1.000000", "1e0", True and "true" are all "1"."""
    text = "" if value is None else str(value).strip()
    if (word := text.lower()) in _TRUTH:
        return _TRUTH[word]
    try:
        number = float(text)
    except ValueError:
        return text
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() and abs(number) < 1e9 else text


def same(label: str, other: str) -> bool:
    """Whether two labels are equal, regardless of case and number format."""
    return plain(label).casefold() == plain(other).casefold()


def meaning(label: str) -> int | None:
    """Class of a label (1 is the class to detect); None if it is not obvious.

    It is if the label is a known word, or has exactly one beside words that only deny it or say nothing: "non-defect",
    "Vulnerable function", "no bug found", but not "patched vulnerability" or "formerly safe".
    """
    text = plain(label).replace("\u2019", "'")
    if text.lower() in _MARKS:
        return _MARKS[text.lower()]
    parts = _PART.findall(_HUMP.sub(" ", text).lower()) if _PHRASE.fullmatch(text) else []
    denials = sum(part in _DENYING for part in parts)
    telling = [part for part in parts if part not in _DENYING and part not in _SILENT]
    found = _word(telling[0]) if len(telling) == 1 else None
    return None if found is None else found ^ denials % 2


def _word(word: str) -> int | None:
    """Class of a word, also in the plural or with a prefix that denies it."""
    for form in (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y"):
        if form in _WORDS:
            return _WORDS[form]
    denied = _PREFIXED.fullmatch(word)
    inner = None if denied is None else _word(denied[1])
    return None if inner is None else 1 - inner


def crossed(labels: tuple[str, str], others: tuple[str, str]) -> bool:
    """Whether, judging by their names, two classes 0 and 1 are the others' 1 and 0."""
    ours, theirs = _order(labels), _order(others)
    renamed = ours is not None and theirs is not None and ours != theirs
    return renamed or same(labels[1], others[0]) or same(labels[0], others[1])


def require_order(told: tuple[str, str], model: str, dataset: Dataset) -> None:
    """Raise ModelError if, judging by their names, a model's classes 0 and 1 are the dataset's 1 and 0."""
    if crossed(told, dataset.labels):
        raise ModelError(
            f"{model} tells {told[0]!r} (class 0) from {told[1]!r} (class 1), and {dataset.name} has them the other "
            f"way round, {dataset.labels[0]!r} and {dataset.labels[1]!r}: say which label of a file is class 1 with "
            f"--positive {dataset.labels[0]!r}, or exchange the two classes of the model"
        )


def _order(labels: tuple[str, str]) -> int | None:
    """Number of the class to detect, 0 or 1; None if the names do not say, or contradict each other."""
    found = {place ^ 1 ^ number for place, number in _told(labels)}
    return found.pop() if len(found) == 1 else None


def _told(labels: tuple[str, str]) -> Iterator[tuple[int, int]]:
    """Place and class of each label by its words, and by its number if they number both, as LABEL_0 and LABEL_1 do."""
    parts = [_NUMBERED.fullmatch(plain(label)) for label in labels]
    numbers = [int(part[2]) for part in parts if part is not None]
    words = [f"{part[1]} {part[3]}" for part in parts if part is not None]
    if sorted(numbers) != [0, 1]:
        numbers, words = [], list(labels)
    yield from enumerate(numbers)
    if numbers and same(*words) and meaning(words[0]) == 1:  # vulnerable_0 and vulnerable_1: the numbers alone tell
        return
    for place, word in enumerate(words):
        if (number := meaning(word)) is not None:
            yield place, number
