"""Real functions of installed packages."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from compressor_core.data import installed
from compressor_core.data.classroom import split_of
from compressor_core.data.dataset import UNKNOWN, Split
from compressor_core.data.installed import MAX_LINES, MIN_LINES, folder_functions, installed_functions
from compressor_core.errors import DataError

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


def numbered(name: str, count: int) -> str:
    return "\n\n".join(f"def {name}_{number}(a):\n    b = a + {number}\n    return b" for number in range(count))


def test_a_folder_gives_functions_of_training_modules_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "_PER_PACKAGE", 20)
    for module in range(40):
        for package in ("large", "other"):
            (tmp_path / package).mkdir(exist_ok=True)
            (tmp_path / package / f"m{module}.py").write_text(numbered(f"f{module}", 3))  # the same in both packages
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "large" / "tests").mkdir()
    (tmp_path / "large" / "tests" / "m1.py").write_text("\n\n".join(numbered(f"t{number}", 3) for number in range(9)))
    found = folder_functions(tmp_path)
    assert found == folder_functions(str(tmp_path)) and len(set(found)) == len(found)
    learned = {f"m{n}" for n in range(40) for p in ("large", "other") if split_of(f"{p}.m{n}") is Split.TRAIN}
    assert {"m" + code[5:].split("_")[0] for code in found} <= learned
    assert 21 <= len(found) <= 42


def test_a_folder_without_functions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text("x = 1\n")
    with pytest.raises(DataError, match="holds no Python function of 3 to 30 lines: give a folder"):
        folder_functions(tmp_path)
