"""Examples of a comparison, filtered (by default where teacher and student disagree), with their code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from compressor_core.errors import DataError
from compressor_core.evaluate.predictions import (
    FOLDER,
    Predictions,
    Verdict,
    example_rows,
    read_predictions,
    select,
)
from compressor_core.figures.compare.info import ComparisonInfo
from compressor_core.figures.words.forms import csv_text
from compressor_core.literal import literal
from compressor_core.runs import Run
from pages.parts.rows import dataframe

VERDICTS = {
    Verdict.DISAGREE: "They disagree",
    Verdict.ONLY_TEACHER: "Only the teacher is right",
    Verdict.ONLY_STUDENT: "Only the student is right",
    Verdict.NEITHER: "Both are wrong",
    Verdict.ALL: "All examples",
}
ANY = "any"
MOST_ROWS = 1000


def examples(run: Run, info: ComparisonInfo) -> None:
    try:
        predictions = read(run.folder / FOLDER)
    except DataError as error:
        st.info(literal(str(error)))
        return
    student, chosen = filtered(predictions, info)
    st.markdown(
        f"**{len(chosen):,} of {len(predictions.gold):,} examples**; choose a row to see its code (keys: arrows, then "
        "Shift and Space)"
    )
    if not len(chosen):
        st.caption("No example matches: loosen the filters.")
        return
    rows = example_rows(predictions, chosen[:MOST_ROWS], student, info.summary.labels)
    shown = [{key: value for key, value in row.items() if key != "Code"} for row in rows]
    numbers = [key for key in shown[0] if key.startswith(("Teacher:", "Student:"))]
    picked = dataframe(
        shown,
        # The key depends on the filtered examples, so that a new filter clears the selected row.
        key=f"examples/{run.id}/{student}/{hash(tuple(chosen.tolist()))}",
        on_select="rerun",
        selection_mode="single-row",
        height=min(420, 38 + 35 * len(shown)),
        column_config={key: st.column_config.NumberColumn(format="%.3f", help="Probability") for key in numbers},
    )
    if len(chosen) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,}, those where the probabilities differ most; the download has all.")
    place = next(iter(picked.selection.rows), 0)
    code(predictions, rows[place if place < len(shown) else 0], info.summary.language)
    st.download_button(
        "Download as CSV",
        lambda: csv_text(example_rows(predictions, chosen, student, info.summary.labels)),
        f"{run.id}-examples.csv",
        "text/csv",
        key=f"csv/examples/{run.id}",
        icon=":material/download:",
        on_click="ignore",
        help="With the code. A text that a spreadsheet would take for a formula gets an apostrophe in front.",
    )


def filtered(predictions: Predictions, info: ComparisonInfo) -> tuple[int, Any]:
    """Index of the selected student among the models, and the examples that pass the filters."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        student = 1
        if not info.alone:
            titles = dict(enumerate((side.title for side in info.students), start=1))
            student = st.selectbox("Student", list(titles), key="examples_student", format_func=titles.__getitem__)
        verdict = st.selectbox("Who is right", list(VERDICTS), key="examples_verdict", format_func=VERDICTS.__getitem__)
        kinds = sorted({kind for kind in predictions.kinds if kind})
        kind = st.selectbox("Kind", [ANY, *kinds], key="examples_kind") if kinds else ANY
        labels = {ANY: ANY, **{str(number): label for number, label in enumerate(info.summary.labels)}}
        label = st.selectbox("Truth", list(labels), key="examples_truth", format_func=labels.__getitem__)
        text = st.text_input("In the code", key="examples_text", placeholder="text to look for")
    chosen = select(
        predictions,
        student,
        verdict=Verdict(verdict),
        kind=None if kind == ANY else kind,
        label=None if label == ANY else int(label),
        text=text,
    )
    return student, chosen


def code(predictions: Predictions, row: Mapping[str, Any], language: str | None) -> None:
    """Show the function of one example, or both of a pair, as plain text."""
    said = f"Truth: {row['Truth']} · teacher: {row['Teacher says']} · student: {row['Student says']}"
    st.text(f"Example {row['Example']} · {row['Origin']} · {said}")
    parts = predictions.codes(row["Example"])
    for column, part in zip(st.columns(len(parts)), parts, strict=True):
        with column:
            st.code(part, language=language, line_numbers=True, wrap_lines=True)


def read(folder: Path) -> Predictions:
    """Predictions of a run, cached until a resumed comparison writes new ones."""
    file = folder / "examples.jsonl"
    return cached(str(folder), file.stat().st_mtime if file.is_file() else None)


@st.cache_resource(max_entries=2, show_spinner="Reading the predictions")
def cached(folder: str, written: float | None) -> Predictions:
    return read_predictions(Path(folder))
