"""A file of one's own: what its columns mean, and which of its rows cannot be used."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from compressor_core.data.columns import Columns
from compressor_core.data.intake import Inspection, inspect, take_in
from compressor_core.errors import DataError
from compressor_core.language import LANGUAGE_NAMES, Language
from compressor_core.literal import literal
from pages.parts.live import store
from pages.parts.rows import dataframe


def own_file(path: Path, when: float | None) -> str | None:
    """One's own file, taken in as the visitor says; the path of the copy, None while that is not settled.

    `when` is when it was last changed.
    """
    place = f"{path}/{when}"
    first, second, label, positive = (
        st.session_state.get(f"{what}/{place}") for what in ("first", "second", "label", "positive")
    )
    found = inspected(place, str(path), first, second, label, positive)
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
    return taken_in(place, str(path), first, second, label, positive, language)


def meaning(place: str, found: Inspection) -> Language | None:
    """What the columns and labels of a file mean, as guessed; open where the visitor has to say something.

    What is chosen here is read at the top of the next run, see `own_file`.
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
                placeholder="Not said",
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
    """The rows that cannot be used, by line, and whether the visitor agrees to leave them out."""
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


@st.cache_data(max_entries=4, show_spinner="Reading the file")
def inspected(
    place: str, path: str, first: str | None, second: str | None, label: str | None, positive: str | None
) -> Inspection:
    return inspect(Path(path), columns(first, second, label), positive)


@st.cache_data(max_entries=4, show_spinner="Reading the file")
def taken_in(
    place: str,
    path: str,
    first: str | None,
    second: str | None,
    label: str | None,
    positive: str | None,
    language: Language | None,
) -> str:
    copy = take_in(
        Path(path),
        store().root / "uploads",
        columns=columns(first, second, label),
        positive=positive,
        language=language,
        skip_bad_rows=True,  # not before the visitor agrees, see `own_file`
    )
    return str(copy)


def columns(first: str | None, second: str | None, label: str | None) -> Columns:
    if first is None:
        return Columns(label=label)
    return Columns(func1=first, func2=second, label=label) if second else Columns(func=first, label=label)
