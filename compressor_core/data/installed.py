"""Real functions of Python packages: of the installed ones that this program depends on, or of any folder.

Nothing is downloaded or redistributed. The functions are unchanged, with docstrings and comments. Their modules are
split by the rule of the classroom data, so that a model can be tested on other modules than those it learned from.
"""

from __future__ import annotations

import ast
import itertools
import textwrap
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from compressor_core.data.classroom import split_of
from compressor_core.data.dataset import UNKNOWN, Example, Split, share_of
from compressor_core.errors import DataError

PACKAGES: Final = (
    "deap", "filelock", "huggingface_hub", "jinja2", "numpy", "packaging", "pandas", "plotly", "pydantic",
    "safetensors", "scipy", "streamlit", "torch", "tqdm", "transformers"
)  # fmt: skip
MIN_LINES, MAX_LINES = 3, 30
_PER_MODULE = 4
"""Largest number of functions per module, so that no long module dominates."""
_LEFT_OUT = {"test", "tests", "vendor", "vendored", "_vendor", "_vendored"}
_PER_PACKAGE = 1_500
"""Number of functions of a package in a folder after which no further module is read."""


def installed_functions(count: int, split: Split = Split.TEST, packages: Sequence[str] = PACKAGES) -> list[Example]:
    """Up to `count` unlabelled functions, about equally many per package; the same for the same package versions.

    Test modules are left out. The group is the package, the origin the module and the line.
    """
    sources = [_functions(name, split) for name in packages if find_spec(name) is not None]
    found: list[Example] = []
    seen: set[str] = set()
    while sources and len(found) < count:
        for source in tuple(sources):
            example = next((one for one in source if one.codes[0] not in seen), None)
            if example is None:
                sources.remove(source)
            elif len(found) < count:
                seen.add(example.codes[0])
                found.append(example)
    return found


def folder_functions(folder: str | Path) -> list[str]:
    """Functions of the packages in a folder, such as a `site-packages`, in modules of the training split, once each.

    Tests and vendored copies are left out. Of a large package, modules are taken in the order of their hash until there
    are `_PER_PACKAGE` functions.

    Raises:
        DataError: no Python function of the right length is there.
    """
    root = Path(folder)
    packages: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        if not _LEFT_OUT & set(parts):
            packages[parts[0]][".".join(parts)] = path
    found: dict[str, None] = {}
    for _, modules in sorted(packages.items()):
        own: dict[str, None] = {}
        for module in sorted(modules, key=share_of):
            if len(own) < _PER_PACKAGE and split_of(module) is Split.TRAIN:
                own.update(dict.fromkeys(code for code, _ in _parsed(modules[module])))
        found.update(own)
    if not found:
        raise DataError(
            f"{folder} holds no Python function of {MIN_LINES} to {MAX_LINES} lines: give a folder of Python packages."
        )
    return list(found)


def _functions(package: str, split: Split) -> Iterator[Example]:
    """Functions of a package whose modules belong to a split, ordered by a hash of the module."""
    spec = find_spec(package)
    root = Path(spec.origin).parent if spec is not None and spec.origin else None
    if root is None:
        return
    modules = {".".join((package, *path.relative_to(root).with_suffix("").parts)): path for path in root.rglob("*.py")}
    for module in sorted(modules, key=share_of):
        if split_of(module) is split and not {"test", "tests", "testing"} & set(module.split(".")):
            yield from _functions_in(modules[module], package, module)


def _functions_in(path: Path, package: str, module: str) -> Iterator[Example]:
    for code, line in itertools.islice(_parsed(path), _PER_MODULE):
        yield Example((code,), UNKNOWN, package, f"{module}:{line}")


def _parsed(path: Path) -> Iterator[tuple[str, int]]:
    """Functions of a file with their lines; none if it is no Python."""
    try:
        source = path.read_text("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes in other packages
            tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError):
        return
    lines = source.splitlines()
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.end_lineno is None:
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        if MIN_LINES <= node.end_lineno - first + 1 <= MAX_LINES:
            code = textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno]))
            try:
                ast.parse(code)
            except SyntaxError:  # a multi-line string with less indentation than its function
                continue
            yield code, node.lineno
