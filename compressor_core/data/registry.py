"""The datasets by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compressor_core.data.classroom import ClassroomVulnerability
from compressor_core.data.dataset import Dataset, Example, Split
from compressor_core.data.files import FileDataset, read_file
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.task import Task


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset that can be chosen.

    `built_in` ones take no data file. `task` and `language` are None where the file decides. `hub` is the name of the
    Hugging Face dataset that is read where no file is given; without one, a file is needed.
    """

    name: str
    title: str
    built_in: bool
    description: str
    task: Task | None = None
    language: Language | None = None
    hub: str | None = None

    @property
    def needs_data(self) -> bool:
        """Whether a file or folder must be given."""
        return not self.built_in and self.hub is None


DATASETS = (
    DatasetInfo(
        "classroom-vulnerability",
        "Classroom: vulnerable Python",
        True,
        "Functions of Python's standard library with safe or unsafe snippets woven in (20 CWEs). Works offline.",
        Task.VULNERABILITY,
        Language.PYTHON,
    ),
    DatasetInfo(
        "devign",
        "Devign layout (JSONL)",
        False,
        "C functions with 'func' and 'target', one JSON object a line, as CodeXGLUE publishes them.",
        Task.VULNERABILITY,
        Language.C,
    ),
    DatasetInfo(
        "file",
        "Your own file (JSONL or CSV)",
        False,
        "Columns 'func' and 'label' (0 or 1); an optional column 'split' says which part a row belongs to.",
    ),
)


def open_dataset(name: str, data: str | None = None, *, seed: int = 0) -> Dataset:
    """The dataset called `name`; `data` is the file of those that are not built in.

    Raises:
        DataError: no dataset has that name, or its file is missing, empty or malformed.
    """
    info = next((info for info in DATASETS if info.name == name), None)
    if info is None:
        raise DataError(f"there is no dataset {name!r}: choose from {', '.join(d.name for d in DATASETS)}")
    if info.built_in:
        if data:
            raise DataError(f"{name} is built in and takes no data file: leave it out, or choose the dataset 'file'")
        return ClassroomVulnerability(seed=seed)
    if not data:
        raise DataError(f"the dataset {name!r} needs a file: give its path as data")
    labels = ("safe", "vulnerable") if name == "devign" else ("0", "1")
    return read_file(data, name, labels, info.language)


def examples_for(dataset: Dataset, split: Split | None) -> Sequence[Example]:
    """What to evaluate on: the split asked for; by default all of a file, and a built-in dataset's test split."""
    if split is None and isinstance(dataset, FileDataset):
        return dataset.everything()
    return dataset.examples(split or Split.TEST)
