"""Published values beside those measured here: a table on a wide screen, a list of cells on a narrow one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

_STYLE = """<style>
.beside{width:100%;table-layout:fixed;border-collapse:collapse;font-size:.95rem;line-height:1.35}
.beside th{text-align:left;font-weight:600;padding:.55rem .7rem}
.beside td{padding:.55rem .7rem;vertical-align:top;font-variant-numeric:tabular-nums}
.beside tr{border-bottom:1px solid rgba(138,146,155,.3)}
.beside b{display:block;font-weight:600}
.beside .both{display:flex;gap:.6rem;margin-top:.2rem}
.beside .here{flex:1;border-left:3px solid #009e73;padding-left:.45rem}
.beside .own{border-color:#c28400}
.beside .note,.beside .none{display:block;font-size:.82rem;opacity:.75}
.beside .label{display:none}
@media (max-width:760px){
.beside,.beside tbody,.beside tr,.beside th,.beside td{display:block}
.beside thead{display:none}
.beside th{padding:.8rem 0 .2rem}
.beside td{display:grid;grid-template-columns:9.5rem 1fr;column-gap:.6rem;padding:.3rem 0}
.beside td>*{grid-column:2}
.beside .label{display:block;grid-column:1;grid-row:1 / span 3;font-size:.82rem;opacity:.75}
}
</style>"""


@dataclass(frozen=True)
class Cell:
    """A published number, and those measured on an imported and on an own model, each with a note, or None."""

    published: str
    imported: tuple[str, str] | None = None
    own: tuple[str, str] | None = None
    note: str = "not reproduced"
    """Text shown if there is neither."""


def beside(columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Cell]]], *, corner: str = "") -> None:
    """Draw the table: one heading per column, and for each row its title and its cells."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(title)}</th>'
        + "".join(_cell(column, cell) for column, cell in zip(columns, cells, strict=True))
        + "</tr>"
        for title, cells in rows
    )
    first = f'<th scope="col">{escape(corner)}</th>' if corner else "<td></td>"
    table = f"<thead><tr>{first}{head}</tr></thead><tbody>{body}</tbody>"
    st.html(f'{_STYLE}<table class="beside">{table}</table>')


def _cell(column: str, cell: Cell) -> str:
    here = "".join(
        f'<span class="here{look}"><b>{escape(found[0])}</b><span class="note">{escape(found[1])}</span></span>'
        for found, look in ((cell.imported, ""), (cell.own, " own"))
        if found
    )
    here = f'<span class="both">{here}</span>' if here else f'<span class="none">{escape(cell.note)}</span>'
    label = f'<span class="label">{escape(column)}</span>'
    return f"<td>{label}<b>{escape(cell.published)}</b>{here}</td>"
