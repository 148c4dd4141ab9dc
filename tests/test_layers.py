"""Which way imports point, and what they cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "compressor_core"

MAY_IMPORT = {
    "errors": set(),
    "task": set(),
    "language": set(),
    "cache": set(),
    "kinds": set(),
    "literal": set(),
    "plain": {"errors"},
    "remembered": set(),
    "threads": {"errors", "kinds"},
    "files": {"errors"},
    "versions": set(),
    "machine": set(),
    "progress": set(),
    "architecture": {"errors", "kinds"},
    "paper": {"architecture", "task"},
    "cost": {"architecture", "errors", "kinds", "task"},
    "latency_model": {"cost", "errors", "task"},
    "search": {"architecture", "cost", "errors", "kinds", "latency_model", "search", "task"},
    "dataflow": {"dataflow", "errors", "language"},
    "data": {"cache", "data", "dataflow", "errors", "files", "language", "literal", "task"},
    "models": {
        *(
            "architecture",
            "cost",
            "data",
            "dataflow",
            "errors",
            "files",
            "language",
            "models",
            "paper",
            "plain",
            "remembered",
            "task",
        ),
    },
    "distill": {
        *(
            "architecture",
            "cache",
            "cost",
            "data",
            "distill",
            "errors",
            "evaluate",
            "files",
            "kinds",
            "language",
            "latency_model",
            "machine",
            "models",
            "plain",
            "progress",
            "search",
            "task",
            "threads",
            "versions",
        ),
    },
    "export": {"cache", "data", "errors", "export", "files", "literal", "machine", "models", "task", "threads"},
    "evaluate": {
        *(
            "architecture",
            "cost",
            "data",
            "errors",
            "evaluate",
            "export",
            "files",
            "kinds",
            "language",
            "latency_model",
            "machine",
            "models",
            "paper",
            "plain",
            "progress",
            "search",
            "task",
            "threads",
        ),
    },
    "figures": {"errors", "figures", "literal", "paper"},
    "report": {
        *("architecture", "data", "errors", "figures", "files", "models", "report", "runs", "search", "versions"),
    },
}
"""By part of the core: which other parts it may import. `runs` and `cli` may import all."""


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda p: str(p.relative_to(CORE)))
def test_imports_point_one_way(path: Path) -> None:
    names = imports(path)
    assert not [name for name in names if name.split(".")[0] in ("streamlit", "pages", "app")]
    part = path.relative_to(CORE).parts[0].removesuffix(".py")
    if part in MAY_IMPORT:
        parts = {name.split(".")[1] for name in names if name.startswith("compressor_core.")}
        assert parts <= MAY_IMPORT[part], f"{part} must not import {parts - MAY_IMPORT[part]}"


@pytest.mark.parametrize("path", [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))], ids=lambda p: p.name)
def test_no_page_says_a_string_that_only_documents(path: Path) -> None:
    """Streamlit prints what stands alone in the file of a page, the first string apart."""
    alone = [node for node in ast.parse(path.read_text("utf-8")).body[1:] if isinstance(node, ast.Expr)]
    assert not [node.lineno for node in alone if not isinstance(node.value, ast.Call)]


def test_the_first_page_needs_no_torch() -> None:
    program = (
        "import sys, compressor_core.runs, compressor_core.runs.library, compressor_core.runs.story, "
        "compressor_core.search, compressor_core.data.registry, compressor_core.distill.presets, "
        "compressor_core.distill.study_settings, compressor_core.distill.study_summary, "
        "compressor_core.evaluate.predictions; "
        "assert not {'torch', 'transformers', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
