"""A visitor's own file: the meaning of its columns, and its unusable rows."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from compressor_core.data.columns import Columns
from compressor_core.data.intake import Inspection, keep_choices
from compressor_core.data.looking import Limits, Look, Question, look_apart
from compressor_core.errors import DataError
from compressor_core.language import LANGUAGE_NAMES, Language
from compressor_core.literal import literal
from compressor_core.progress import finish
from compressor_core.records import Progress, Record
from compressor_core.runs.uploads import FOLDER
from pages.parts.live import store
from pages.parts.rows import dataframe
from pages.parts.sharing import keep_counted, shared

MOST_LOOKS = 40
"""Number of inspected files kept in memory, of all visitors; each holds at most about a megabyte of examples."""


def own_file(path: Path, when: float | None) -> tuple[str, Look] | None:
    """Path of the stored choices on how to read a file, and the contents of the file.

    None while choices are missing. `when` is the file's modification time.
    """
    place = f"{path}/{when}"
    first, second, label, positive = (
        st.session_state.get(f"{what}/{place}") for what in ("first", "second", "label", "positive")
    )
    look = looked(path, when, columns(first, second, label), positive)
    found = look.inspection
    if not found.names:
        raise DataError(f"{path} has no row that can be read: it needs one JSON object a line, or CSV with a header")
    language = meaning(place, found)
    if found.missing:
        st.info(f"Say which column holds the {' and which the '.join(found.missing)}.")
        return None
    if found.needs_positive and positive is None:
        st.info("Say which label means 1, such as vulnerable or clone.")
        return None
    if found.bad_count and not leave_out(place, found):
        return None
    data = said_of(place, str(path), found.columns, positive, language, bool(found.bad_count))
    return data, look.in_language(language)


def meaning(place: str, found: Inspection) -> Language | None:
    """Controls for the meaning of columns and labels, filled with guesses; open while a choice is missing.

    `own_file` reads the choices at the start of the next rerun. Returns the chosen language.
    """
    code = found.columns.code
    unsettled = bool(found.missing) or (found.needs_positive and st.session_state.get(f"positive/{place}") is None)
    title = f"Code in {' and '.join(code)}, label in {found.columns.label}"

    def column(label: str, what: str, guess: str | None, none: str = "Choose a column") -> None:
        st.selectbox(
            label,
            found.names,
            index=found.names.index(guess) if guess in found.names else None,
            placeholder=none,
            key=f"{what}/{place}",
            persist_state="session",
        )

    with st.expander(
        "Which column holds what?" if unsettled else literal(title), expanded=unsettled, icon=":material/table_chart:"
    ):
        left, right = st.columns(2)
        with left:
            column("Code", "first", code[0] if code else None)
            column("Second function, in a file of pairs", "second", code[1] if len(code) == 2 else None, "None")
        with right:
            column("Label", "label", found.columns.label)
            language = st.selectbox(
                "Language",
                list(LANGUAGE_NAMES),
                index=None,
                format_func=LANGUAGE_NAMES.__getitem__,
                placeholder="Not given",
                key=f"language/{place}",
                persist_state="session",
                help="GraphCodeBERT needs to know it, and so does the view of a function's data flow.",
            )
            if found.odd_labels:
                counts = found.labels or {}
                st.selectbox(
                    "Label that means 1",
                    list(counts),
                    index=None,
                    format_func=lambda name: f"{name} ({counts[name]:,} rows)",
                    placeholder="Choose a label",
                    key=f"positive/{place}",
                    persist_state="session",
                    help="Any other label means 0.",
                )
    return language


def leave_out(place: str, found: Inspection) -> bool:
    """List the unusable rows by line; returns whether the visitor agrees to leave them out."""
    one = found.bad_count == 1
    st.warning(
        f"{found.bad_count:,} {'row' if one else 'rows'} of {found.rows + found.bad_count:,} cannot be used.",
        icon=":material/warning:",
    )
    dataframe(
        [{"Line": row.line, "What is wrong": f"It {row.reason}."} for row in found.bad],
        height="content" if len(found.bad) < 6 else 210,
        column_config={"Line": st.column_config.NumberColumn(width=70, format="%d")},
    )
    if found.bad_count > len(found.bad):
        st.caption(f"The first {len(found.bad):,} are listed.")
    return st.checkbox(
        f"Leave {'this row' if one else 'these rows'} out and go on with the other {found.rows:,}",
        key=f"skip/{place}",
        persist_state="session",
        disabled=not found.rows,
    )


def looked(path: Path, when: float | None, columns: Columns | None = None, positive: str | None = None) -> Look:
    """Contents of a file, cached for all visitors."""
    limits = Limits() if shared() else None
    question = Question(path=path, columns=columns or Columns(), positive=positive, limits=limits)
    looks, key = _looks(), (question, when)
    if key not in looks:
        bar = st.empty()
        try:
            found = finish(look_apart(question), lambda record: bar.caption(f":material/hourglass_top: {said(record)}"))
        finally:
            bar.empty()
        while len(looks) >= MOST_LOOKS:
            looks.pop(next(iter(looks)), None)
        looks[key] = found
    return looks[key]


def said(record: Record) -> str:
    return literal(record.message) if isinstance(record, Progress) else ""


@st.cache_resource
def _looks() -> dict[tuple[Question, float | None], Look]:
    return {}


@st.cache_data(max_entries=100, show_spinner="Keeping the file")
def said_of(
    place: str, path: str, columns: Columns, positive: str | None, language: Language | None, skip_bad_rows: bool
) -> str:
    """Store the visitor's choices on how to read a file and return their path; the rows are stored once."""
    runs = store()

    def save() -> Path:
        return keep_choices(
            Path(path),
            runs.root / FOLDER,
            columns=columns,
            positive=positive,
            language=language,
            skip_bad_rows=skip_bad_rows,  # `own_file` calls this only after the visitor agrees
        )

    return str(keep_counted(runs, 0, save))


def columns(first: str | None, second: str | None, label: str | None) -> Columns:
    if first is None:
        return Columns(label=label)
    return Columns(func1=first, func2=second, label=label) if second else Columns(func=first, label=label)
