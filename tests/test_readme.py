"""The README is short and its commands are the ones that are used; what the documentation names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CI = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
PAGES = [README, *(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))]


def block(heading: str, language: str = "sh") -> list[str]:
    """The code blocks of one language in a section of the README."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [found.strip() for found in re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)]


def test_it_is_short() -> None:
    assert len(README.encode()) <= 10_000


def test_ci_calls_its_own_test_command() -> None:
    (command,) = block("Develop")
    assert "pytest" in command and command in CI


def test_two_commands_install_and_run_the_app() -> None:
    install, run = block("Install and run")
    assert "requirements.txt" in install and "\n" not in install
    assert run == ".venv/bin/streamlit run app.py"


def test_six_command_lines_have_verbs_that_there_are() -> None:
    from compressor_core.cli.parser import parser

    lines = block("On the command line")[0].splitlines()
    assert len(lines) == 6
    for line in lines:
        parser().parse_args(line.split()[3:])


def test_the_models_that_its_commands_name_are_found() -> None:
    from compressor_core.bundled import model_folder
    from compressor_core.cli.parser import parser

    for line in block("Results")[0].splitlines():
        options = parser().parse_args(line.split()[3:])
        for model in getattr(options, "models", None) or [options.teacher, *options.students]:
            assert (model_folder(model) / "config.json").is_file(), line


def test_ci_builds_the_documentation_with_warnings_as_errors() -> None:
    assert ".venv/bin/sphinx-build -q -W --keep-going docs docs/_build/html" in CI


def test_what_the_guide_to_extending_names_is_there() -> None:
    guide = (ROOT / "docs" / "extending.md").read_text("utf-8")
    paths = set(re.findall(r"`((?:compressor_core|pages|tests|benchmarks|assets)/[\w/.]*)`", guide))
    assert len(paths) > 15
    for path in paths:
        assert (ROOT / path.replace("NAME.md", "home.md").replace("FOLDER/NAME.py", "compare/lab.py")).exists(), path
    sources = "\n".join(
        path.read_text("utf-8")
        for part in ("compressor_core", "pages", "benchmarks")
        for path in (ROOT / part).rglob("*.py")
    )
    for name in set(re.findall(r"`([A-Z_][A-Za-z_]+|[a-z_]+)`", guide)):
        assert re.search(rf"\b{name}\b", sources), name


def test_the_picture_of_the_architecture_names_every_part() -> None:
    picture = (ROOT / "assets" / "architecture.svg").read_text("utf-8")
    parts = {path.name for path in (ROOT / "compressor_core").iterdir() if (path / "__init__.py").is_file()}
    assert len(parts) > 8 and not [part for part in parts if f"{part}/" not in picture]


def test_every_picture_is_there() -> None:
    pictures = {picture for page in PAGES for picture in re.findall(r"!\[[^\]]+\]\((?:\.\./)?([^)]+)\)", page)}
    assert pictures >= {path.relative_to(ROOT).as_posix() for path in (ROOT / "assets" / "screenshots").iterdir()}
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"(?<!!)\[[^\]]+\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
