"""Choice of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from compressor_core.data.dataset import Dataset
from compressor_core.data.hub import cached_parts
from compressor_core.data.intake import SUFFIXES
from compressor_core.data.registry import TRAINABLE, DatasetInfo, open_dataset
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.records import Survey
from compressor_core.task import Task
from pages.parts.frame import say, sentences
from pages.parts.live import store
from pages.parts.own_file import own_file
from pages.parts.sharing import keep_upload, shared

INFO = {info.name: info for info in TRAINABLE}
UPLOADED = "uploaded-path"
"""Session key of the path of the last upload, which no widget can set."""


@dataclass(frozen=True)
class Chosen:
    """Dataset that a run will use: `data` is the path of its file or folder, or None.

    `opened` is None if only a run will download the dataset from the hub. For the visitor's own file, `opened` is a
    sample and `survey` describes the whole file.
    """

    info: DatasetInfo
    data: str | None
    opened: Dataset | None
    survey: Survey | None = None

    @property
    def task(self) -> Task | None:
        return self.opened.task if self.opened is not None else self.info.task

    @property
    def language(self) -> Language | None:
        return self.opened.language if self.opened is not None else self.info.language


def choose_data() -> Chosen | None:
    """Dataset that the visitor chooses; None while something about it is missing or wrong."""
    st.radio(
        "Dataset",
        list(INFO),
        key="dataset",
        persist_state="session",
        format_func=lambda name: INFO[name].title,
        captions=[info.description for info in TRAINABLE],
    )
    info = INFO[st.session_state.dataset]
    if info.built_in:
        return Chosen(info, None, opened(info.name, None, None))
    path = choose_path(info)
    if not path and info.needs_data:
        st.info(f"Upload a file{'' if shared() else ', or give the path of one,'} to see what is in it.")
        return None
    try:
        if not info.needs_data:
            return published(info, path)
        read = own_file(Path(path), changed(Path(path)))
        return None if read is None else Chosen(info, read[0], read[1].dataset, read[1].survey)
    except DataError as error:
        say(error)
        return None


def choose_path(info: DatasetInfo) -> str:
    """Path of the file or folder that the visitor names or uploads; empty without one."""
    if not info.needs_data and shared():
        return ""
    if not info.needs_data:
        st.text_input(
            "Its files on this machine",
            key=f"path/{info.name}",
            persist_state="session",
            placeholder="Leave empty to download it from the Hugging Face hub",
            help=(
                "A JSONL file, or a folder with train.jsonl, valid.jsonl and test.jsonl."
                if info.task is Task.VULNERABILITY
                else "A folder with data.jsonl, and with train.txt, valid.txt and test.txt or pairs.txt."
            ),
        )
        return str(st.session_state[f"path/{info.name}"]).strip()
    left, right = st.columns(2)
    upload = right.file_uploader("Upload a file", type=[suffix.lstrip(".") for suffix in SUFFIXES])
    gone = not Path(st.session_state.get(UPLOADED, "")).is_file()
    if upload is not None and (gone or st.session_state.get("uploaded") != upload.file_id):
        with sentences():
            st.session_state.data_path = str(keep_upload(store(), upload.name, upload.getvalue()))
        st.session_state.uploaded = upload.file_id
        st.session_state[UPLOADED] = st.session_state.data_path
    if shared():
        return str(st.session_state.get(UPLOADED, ""))
    left.text_input(
        "Path of a file on this machine", key="data_path", persist_state="session", placeholder="/data/functions.jsonl"
    )
    return str(st.session_state.data_path).strip()


def published(info: DatasetInfo, path: str) -> Chosen | None:
    """Benchmark from files or the hub. One that is not on this machine is not opened; a shared server refuses it."""
    if path:
        return Chosen(info, path, opened(info.name, path, changed(Path(path))))
    if cached_parts(info.hub or "") is not None:
        return Chosen(info, None, opened(info.name, None, None))
    if shared():
        st.info("It is not on this machine, and a shared server does not download: choose another dataset.")
        return None
    st.info(
        f"It is not on this machine. A run that uses it downloads it first, from `{info.hub}` on the Hugging Face hub; "
        "without a network, give the path of its files."
    )
    return Chosen(info, None, None)


def changed(path: Path) -> float | None:
    """Modification time of a file, or of the newest file in a folder; a changed file is read again."""
    try:
        paths = path.iterdir() if path.is_dir() else (path,)
        return max((one.stat().st_mtime for one in paths), default=None)
    except OSError:
        return None


@st.cache_resource(max_entries=2, show_spinner="Reading the dataset")
def opened(name: str, data: str | None, when: float | None) -> Dataset:
    """Opened dataset; `when` distinguishes versions of the same path in the cache."""
    return open_dataset(name, data)
