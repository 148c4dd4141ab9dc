"""Document of a report: blocks of text, tables and figures → one HTML file that loads nothing.

The template escapes every text. The page's content security policy allows only its two scripts, by their digests: a
text that slipped through could neither run nor reach the network.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from compressor_core import __version__
from compressor_core.figures.words.description import figure_words
from compressor_core.figures.words.links import without_links

_FOLDER: Final = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Text:
    """A paragraph; a finding is highlighted."""

    text: str
    finding: bool = False
    block: ClassVar[str] = "text"


@dataclass(frozen=True)
class Table:
    """A table with a caption. The first cell of each row is its header, even without a `header`."""

    caption: str
    rows: Sequence[Sequence[str]]
    header: Sequence[str] = ()
    block: ClassVar[str] = "table"


@dataclass(frozen=True)
class Picture:
    """A figure. `caption` describes it in words, for readers who cannot see it or have it on paper."""

    title: str
    figure: go.Figure
    caption: str
    block: ClassVar[str] = "picture"

    @property
    def data(self) -> Markup:
        """JSON for a data block of the page: Plotly escapes `<`, `>` and `/`, so no text can end the block."""
        return Markup(without_links(self.figure).to_json())

    @property
    def words(self) -> str:
        """Description of the figure for a screen reader."""
        return figure_words(self.figure)


@dataclass(frozen=True)
class Pair:
    """Two figures, side by side where there is room."""

    pictures: Sequence[Picture]
    block: ClassVar[str] = "pair"


@dataclass(frozen=True)
class Commands:
    """Shell commands, one per line."""

    lines: Sequence[str]
    block: ClassVar[str] = "commands"


@dataclass(frozen=True)
class Attachment:
    """A text file that the reader can save."""

    name: str
    text: str
    label: str
    block: ClassVar[str] = "attachment"

    @property
    def address(self) -> str:
        return "data:application/octet-stream;base64," + base64.b64encode(self.text.encode()).decode()


Block = Text | Table | Picture | Pair | Commands | Attachment


@dataclass(frozen=True)
class Section:
    """A section of the report with a heading; `anchor` is its fragment identifier."""

    anchor: str
    title: str
    blocks: Sequence[Block]


def page(title: str, lead: str, missing: Sequence[str], sections: Sequence[Section], made: float) -> str:
    """Whole document; `made` is its time in seconds since the epoch."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [get_plotlyjs().replace("\r\n", "\n"), (_FOLDER / "figures.js").read_text("utf-8")]
    return environment.get_template("page.html").render(
        title=title,
        lead=lead,
        missing=missing,
        sections=sections,
        date=date(made),
        version=__version__,
        style=Markup((_FOLDER / "page.css").read_text("utf-8")),
        scripts=[Markup(script) for script in scripts],
        allowed=[*(_digest(script) for script in scripts), *(["unsafe-eval"] if _on_card(sections) else [])],
    )


def date(seconds: float) -> str:
    """Time to the minute, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _on_card(sections: Sequence[Section]) -> bool:
    """Whether a figure uses WebGL, for which Plotly compiles code at run time."""
    blocks = [block for section in sections for block in section.blocks]
    pictures = [block for block in blocks if isinstance(block, Picture)]
    return any(trace.type.endswith("gl") for picture in pictures for trace in picture.figure.data)


def _digest(script: str) -> str:
    """Digest of a script for a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
