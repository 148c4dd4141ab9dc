"""The README's two commands are the ones that are used, and its tree is the tree."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_ci_calls_the_readmes_own_test_command() -> None:
    start = README[README.index("## Start") : README.index("## A walk")]
    blocks = re.findall(r"```sh\n(.*?)```", start, re.DOTALL)
    (command,) = [block.strip() for block in blocks if "pytest" in block]
    assert command in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    (app,) = [block.strip() for block in blocks if "streamlit run" in block]
    assert "requirements.txt" in app and "\n" not in app


def test_the_tree_names_every_module() -> None:
    tree = README[README.index("## Files") :]
    for path in (ROOT / "compressor_core").rglob("*.py"):
        name = path.relative_to(ROOT / "compressor_core").as_posix()
        if path.name not in ("__init__.py", "__main__.py") and not name.startswith("figures/"):
            assert f"\n  {name} " in tree, name
    for path in (ROOT / "pages").glob("*.py"):
        assert f"\n  {path.name} " in tree, path.name


def test_what_the_guides_name_is_there() -> None:
    guides = README[README.index("## For those who carry on") : README.index("## Files")]
    paths = set(re.findall(r"`((?:compressor_core|pages|tests|benchmarks|assets)/[\w/.]*)`", guides))
    assert len(paths) > 15
    for path in paths:
        assert (ROOT / path.replace("NAME.md", "home.md")).exists(), path
    sources = "\n".join(
        path.read_text("utf-8")
        for part in ("compressor_core", "pages", "benchmarks")
        for path in (ROOT / part).rglob("*.py")
    )
    for name in set(re.findall(r"`([A-Z_][A-Za-z_]+|[a-z_]+)`", guides)) - {"logits"}:
        assert re.search(rf"\b{name}\b", sources), name


def test_the_picture_of_the_architecture_names_every_part() -> None:
    picture = (ROOT / "assets" / "architecture.svg").read_text("utf-8")
    parts = {path.name for path in (ROOT / "compressor_core").iterdir() if (path / "__init__.py").is_file()}
    assert len(parts) > 8 and not [part for part in parts if f"{part}/" not in picture]


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 6
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture
