"""Generated pages: the command line from its parser, the terms from the app's texts, the API from docstrings."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from docutils import nodes
from pydantic import BaseModel
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
TERMS = ROOT / "assets" / "terms"
_INDENTED = re.compile(r"(?<!:):(?=\n\n {4,}\S)")
_CODE = re.compile(r"`([^`]+)`")
_NOT_API = ("cli", "files")
"""Packages without an API: the command line has its own page, and a bundle's program is no module."""
_SPECIAL = re.compile(r"([\\*|]|(?<=\w)_(?=\W|$))")


_AUTOMODULE = ".. automodule:: {}\n   :members:\n   :ignore-module-all:"
_API = """# Every module

```{toctree}
:glob:
:titlesonly:
*
```
"""


class Commands(SphinxDirective):
    """Every verb of the command line with its options, as the parser has them."""

    def run(self) -> list[nodes.Node]:
        from compressor_core.cli.parser import parser

        return self.parse_text_to_nodes("\n".join(_verbs(parser())), allow_section_headings=True)


class Terms(SphinxDirective):
    """The explanations that the app shows, in the order of their titles."""

    def run(self) -> list[nodes.Node]:
        texts = sorted((path.read_text("utf-8") for path in TERMS.glob("*.md")), key=str.casefold)
        return self.parse_text_to_nodes("\n\n".join(map(_term, texts)), allow_section_headings=True)


def _term(text: str) -> str:
    title, _, rest = text.strip().partition("\n")
    return f"## {title.strip('*')}\n{rest}"


def _verbs(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    """Markdown of the verbs below a parser: usage, description and a list of options for each."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, verb in action.choices.items():
                if any(isinstance(each, argparse._SubParsersAction) for each in verb._actions):
                    yield from _verbs(verb, f"{before}{name} ")
                else:
                    yield from _verb(f"{before}{name}", verb)


def _verb(name: str, verb: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## {name}\n\n{_prose(verb.description or '')}\n"
    formatter = argparse.HelpFormatter(verb.prog, width=100)
    formatter.add_usage(None, verb._actions, [], prefix="")
    yield f"```text\n{formatter.format_help().strip()}\n```\n"
    for action in verb._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._HelpAction):
            continue
        heads = [f"`{each}`" for each in action.option_strings] or [f"`{action.metavar or action.dest}`"]
        value = " ".join([", ".join(heads), *([f"*{_value(action)}*"] if _value(action) else [])])
        text = _prose(formatter._expand_help(action)) if action.help else "Required." if action.required else ""
        yield f"- {value}" + (f": {text}" if text else "")
    yield ""


def _value(action: argparse.Action) -> str:
    if action.nargs == 0 or not action.option_strings:
        return ""
    if action.choices is not None:
        return " or ".join(map(str, action.choices))
    metavar = action.metavar or action.dest.upper()
    return metavar if isinstance(metavar, str) else " ".join(metavar)


def _prose(text: str) -> str:
    """Help as Markdown that shows every character."""
    return re.sub(r"([\\*<\[\]$])", r"\\\1", text) if "`" not in text else text.replace("<", "\\<")


def write_api(app: Sphinx) -> None:
    """Write one page a package below `api/`, with a section for each of its modules."""
    pages = {"api/index.md": _API}
    for folder in sorted(path.parent for path in (ROOT / "compressor_core").rglob("__init__.py")):
        package = ".".join(folder.relative_to(ROOT).parts)
        if folder.name in _NOT_API:
            continue
        names = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("__"))
        pages[f"api/{package}.rst"] = "\n\n".join(
            [f"{package}\n{'=' * len(package)}", _AUTOMODULE.format(package)]
            + [f"{name}\n{'-' * len(name)}\n\n{_AUTOMODULE.format(f'{package}.{name}')}" for name in names]
        )
    for stale in {path.relative_to(app.srcdir).as_posix() for path in Path(app.srcdir, "api").glob("*")} - pages.keys():
        Path(app.srcdir, stale).unlink()
    for name, text in pages.items():
        page = Path(app.srcdir, name)
        page.parent.mkdir(exist_ok=True)
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, "utf-8")


def plain_docstring(_app: Sphinx, what: str, _name: str, thing: Any, _options: Any, lines: list[str]) -> None:
    """Make reStructuredText of a docstring: backticks mean code; else only lists, sections and indentation count."""
    lines[:] = list(_lists_apart(_safe("\n".join(lines)).splitlines()))
    if what == "class" and isinstance(thing, type) and issubclass(thing, BaseModel):
        lines += _fields(thing)


def _safe(text: str) -> str:
    parts = _CODE.split(text)
    parts[::2] = [_SPECIAL.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"``{' '.join(part.split())}``" for part in parts[1::2]]
    return _INDENTED.sub("::", "".join(parts))


def _lists_apart(lines: list[str]) -> Iterator[str]:
    """Blank lines before lists, without which they are part of the paragraph."""
    before = ""
    for line in lines:
        item, follows = line.lstrip().startswith("- "), bool(before.strip()) and not before.lstrip().startswith("- ")
        if item and follows and _indent(before) == _indent(line):
            yield ""
        yield line
        before = line


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _fields(model: type[BaseModel]) -> Iterator[str]:
    """The fields of a model: name, type as in the source, description, default."""
    types: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        types |= inspect.get_annotations(base)
    yield ""
    for name, field in model.model_fields.items():
        value = field.get_default()
        shown = str(value.value) if isinstance(value, Enum) else repr(value)
        default = "" if field.is_required() else f" (default: ``{shown}``)"
        text = f": {_safe(field.description)}" if field.description else ""
        yield f"- ``{name}``, ``{types[name]}``{text}{default}"
    yield ""


def no_signature(_app: Sphinx, _what: str, _name: str, thing: Any, *_: Any) -> tuple[str, None] | None:
    """Leave out the signature of a model: its fields are a list."""
    return ("", None) if isinstance(thing, type) and issubclass(thing, BaseModel) else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("commands", Commands)
    app.add_directive("terms", Terms)
    app.connect("builder-inited", write_api)
    app.connect("autodoc-process-signature", no_signature)
    app.connect("autodoc-process-docstring", plain_docstring, priority=100)
    return {"parallel_read_safe": True}
