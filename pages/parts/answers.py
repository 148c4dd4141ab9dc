"""A teacher's recorded answers instead of a teacher: uploaded, and checked against the data before a run starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from compressor_core.data.answers import RecordedAnswers, read_answers, task_of_answers
from compressor_core.data.intake import ANSWERS
from compressor_core.errors import CompressorError
from compressor_core.literal import literal
from compressor_core.runs.library import Model
from pages.parts.data import changed, choose_data, opened
from pages.parts.frame import say
from pages.parts.live import store
from pages.parts.sharing import keep_answers, shared

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MODEL, RECORDED = "A model", "Its recorded answers"


def teacher_is_recorded() -> bool:
    """Whether the visitor has only recorded answers of the teacher."""
    chosen = st.segmented_control(
        "The teacher is", [MODEL, RECORDED], default=MODEL, required=True, key="teacher_is", persist_state="session"
    )
    return bool(chosen == RECORDED)


def choose_answers() -> Model | None:
    """Uploaded answers as a teacher; None while they are missing or refused with a message."""
    chosen = choose_data()
    files = st.file_uploader(
        "The teacher's recorded answers",
        type=[ending.rpartition(".")[2] for ending in ANSWERS],
        accept_multiple_files=True,
        key="answers",
        help="Code or ids, and logits or probabilities of both classes: a Parquet or JSONL (.gz) file, or NAME.npy and "
        "the file with its rows.",
    )
    if chosen is None or not files:
        return None
    try:
        path = kept(files)
        task = task_of_answers(path) if chosen.opened is None else chosen.opened.task
        if chosen.opened is None or shared():  # a shared server never reads a visitor's file in its own process
            st.caption("The answers are checked against the dataset when the run starts.")
        else:
            found = read(str(path), chosen.info.name, chosen.data, changed(Path(chosen.data)) if chosen.data else None)
            st.caption(literal(f"{len(found.codes):,} answers, each matched to an example of {chosen.info.name}."))
    except CompressorError as error:
        say(error)
        return None
    return Model(path.name, path.name, path, task, chosen.info.name, chosen.data, None, 0.0)


def kept(files: Sequence[UploadedFile]) -> Path:
    """Path of the uploaded files, written again if the upload changed or the file is gone."""
    ids = [file.file_id for file in files]
    before: tuple[list[str], Path] | None = st.session_state.get("answers_kept")
    if before is None or before[0] != ids or not before[1].is_file():
        before = ids, keep_answers(store(), {file.name: file.getvalue() for file in files})
        st.session_state.answers_kept = before
    return before[1]


@st.cache_resource(max_entries=2, show_spinner="Reading the answers")
def read(path: str, name: str, data: str | None, when: float | None) -> RecordedAnswers:
    """Answers in an uploaded file, whose name depends on its content; `when` distinguishes versions of the data."""
    return read_answers(path, opened(name, data, when))
