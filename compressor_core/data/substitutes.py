"""Natural variable names, as published by ALERT for Devign and BigCloneBench (Yang et al., ICSE 2022).

The files have one JSON object per line: `func`, `target` and `substitutes` for Devign; `code1`, `code2`, `label` and
`substitutes` for BigCloneBench. `substitutes` maps names of the (first) function to the suggestions of a masked
language model (github.com/soarsmu/attack-pretrain-models-of-code, `test_subs_*.jsonl`). Some suggestions are not names,
or start with a space; only valid names that are not words of the code are used.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from compressor_core.data.dataset import Example
from compressor_core.data.renaming import rename_to
from compressor_core.errors import DataError
from compressor_core.files import checked_path
from compressor_core.language import Language
from compressor_core.task import Task

_LANGUAGES = {Task.VULNERABILITY: Language.C, Task.CLONE: Language.JAVA}


def read_substitutes(
    path: str | Path, task: Task, rng: random.Random, most: int
) -> list[tuple[Example, tuple[str, ...]]]:
    """Up to `most` random examples of the file, each with its functions after the (first) one was renamed.

    Raises:
        DataError: the file cannot be read, is for the other task, or has no function that can be renamed.
    """
    try:
        lines = checked_path(path).read_text("utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        read = [_row(row, task, f"line {number}") for number, row in enumerate(rows, 1)]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        wanted = "func, target" if task is Task.VULNERABILITY else "code1, code2, label"
        raise DataError(
            f"{path} cannot be read as ALERT's substitutes ({error}): give a JSONL file with {wanted} and substitutes"
        ) from error
    rng.shuffle(read)
    found: list[tuple[Example, tuple[str, ...]]] = []
    for example, substitutes in read:
        if len(found) == most:
            break
        renamed = rename_to(example.codes[0], _LANGUAGES[task], rng, substitutes)
        if renamed is not None:
            found.append((example, (renamed, *example.codes[1:])))
    if not found:
        raise DataError(f"{path} has no function whose variables can be renamed: give one of ALERT's test_subs files")
    return found


def _row(row: Any, task: Task, origin: str) -> tuple[Example, dict[str, list[str]]]:
    pair = task is Task.CLONE
    codes = (str(row["code1"]), str(row["code2"])) if pair else (str(row["func"]),)
    label = int(row["label" if pair else "target"])
    substitutes = {str(name): [str(one).strip() for one in many] for name, many in row["substitutes"].items()}
    return Example(codes, label, "", origin), substitutes
