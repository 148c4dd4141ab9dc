"""Real functions of installed packages."""

from __future__ import annotations

import ast
from collections import Counter

from compressor_core.data.classroom import split_of
from compressor_core.data.dataset import UNKNOWN, Split
from compressor_core.data.installed import MAX_LINES, MIN_LINES, installed_functions

PACKAGES = ("huggingface_hub", "jinja2", "no_such_package", "tqdm")


def test_functions_of_other_modules_than_those_that_are_learned_from() -> None:
    found = installed_functions(40, packages=PACKAGES)
    assert len({example.codes for example in found}) == len(found) == 40
    assert found == installed_functions(40, packages=PACKAGES)
    assert found[:10] == installed_functions(10, packages=PACKAGES)
    for example in found:
        (function,) = ast.parse(example.codes[0]).body
        assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        assert MIN_LINES <= example.codes[0].count("\n") + 1 <= MAX_LINES
        assert split_of(example.origin.split(":")[0]) is Split.TEST
        assert example.label == UNKNOWN
    assert Counter(example.group for example in found)["huggingface_hub"] >= 10


def test_no_more_than_there_are() -> None:
    assert len(installed_functions(10**6, packages=("tqdm",))) < 200
    assert installed_functions(10, packages=("no_such_package",)) == []
