"""Registry of datasets by name."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from compressor_core.data.benchmarks import BIGCLONEBENCH_HUB, DEVIGN_HUB, bigclonebench, devign
from compressor_core.data.classroom import Classroom
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.clones import ClassroomClone
from compressor_core.data.dataset import UNKNOWN, Dataset, Example, Rows, Split
from compressor_core.data.exam import clone_exam, vulnerability_exam
from compressor_core.data.files import FileDataset, read_file
from compressor_core.data.labelled_sets import juliet, owasp, sven
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.task import Task


@dataclass(frozen=True)
class DatasetInfo:
    """Description of an available dataset.

    A `built_in` dataset takes no data file. `task` and `language` are None if they depend on the file. `hub` is the
    Hugging Face dataset that is read if no file is given; without it, a file is needed. No model may learn from a
    `test_only` dataset.
    """

    name: str
    title: str
    built_in: bool
    description: str
    task: Task | None = None
    language: Language | None = None
    hub: str | None = None
    test_only: bool = False

    @property
    def needs_data(self) -> bool:
        """Whether a file or folder must be given."""
        return not self.built_in and self.hub is None


DATASETS = (
    DatasetInfo(
        "classroom-vulnerability",
        "Classroom: vulnerable Python",
        True,
        "Python functions with and without weaknesses (42 CWEs), drawn from small programs with many surfaces. "
        "Works offline.",
        Task.VULNERABILITY,
        Language.PYTHON,
    ),
    DatasetInfo(
        "classroom-clone",
        "Classroom: cloned Python",
        True,
        "Pairs of functions of Python's standard library, rewritten; half of them are clones. Works offline.",
        Task.CLONE,
        Language.PYTHON,
    ),
    DatasetInfo(
        "devign",
        "Devign: vulnerable C",
        False,
        "27,318 C functions of FFmpeg and QEMU, as CodeXGLUE publishes them: from files, or from the Hugging Face hub.",
        Task.VULNERABILITY,
        Language.C,
        DEVIGN_HUB,
    ),
    DatasetInfo(
        "bigclonebench",
        "BigCloneBench: cloned Java",
        False,
        "Pairs of Java functions, as CodeXGLUE publishes them: from a folder, or from the Hugging Face hub.",
        Task.CLONE,
        Language.JAVA,
        BIGCLONEBENCH_HUB,
    ),
    DatasetInfo(
        "file",
        "Your own file (JSONL or CSV)",
        False,
        "Functions or pairs of functions with a label; a column may say which split a row belongs to.",
    ),
    DatasetInfo(
        "sven-python",
        "SVEN: mended Python",
        False,
        "Functions before and after the commit that mended a weakness (He and Vechev, 2023): a folder you have.",
        Task.VULNERABILITY,
        Language.PYTHON,
    ),
    DatasetInfo(
        "sven-c",
        "SVEN: mended C",
        False,
        "Functions before and after the commit that mended a weakness (He and Vechev, 2023): a folder you have.",
        Task.VULNERABILITY,
        Language.C,
    ),
    DatasetInfo(
        "juliet",
        "Juliet: weaknesses made in C",
        False,
        "Test cases of NIST, without names and comments that tell, split by template: a folder you have.",
        Task.VULNERABILITY,
        Language.C,
    ),
    DatasetInfo(
        "owasp-python",
        "OWASP Benchmark for Python",
        False,
        "Web handlers with their expected results: a checkout you have. To test on.",
        Task.VULNERABILITY,
        Language.PYTHON,
        test_only=True,
    ),
    DatasetInfo(
        "owasp-java",
        "OWASP Benchmark for Java",
        False,
        "Servlets with their expected results: a checkout you have. To test on.",
        Task.VULNERABILITY,
        Language.JAVA,
        test_only=True,
    ),
    DatasetInfo(
        "exam-vulnerability",
        "Exam: vulnerable Python, written by hand",
        True,
        "Functions written by hand, each unsafe and fixed (41 CWEs), and clean ones. To test on, never to train on.",
        Task.VULNERABILITY,
        Language.PYTHON,
        test_only=True,
    ),
    DatasetInfo(
        "exam-clone",
        "Exam: cloned Python, written by hand",
        True,
        "Pairs of functions written by hand: clones, other algorithms, look-alikes. To test on, never to train on.",
        Task.CLONE,
        Language.PYTHON,
        test_only=True,
    ),
)
TRAINABLE = tuple(info for info in DATASETS if not info.test_only)
"""Datasets that a model can learn from."""


_BUILT_IN: Mapping[str, type[Classroom]] = {kind.name: kind for kind in (ClassroomVulnerability, ClassroomClone)}
_FOLDERS: Mapping[str, Callable[[Path | str], Dataset]] = {
    "sven-python": partial(sven, language=Language.PYTHON),
    "sven-c": partial(sven, language=Language.C),
    "juliet": juliet,
    "owasp-python": partial(owasp, language=Language.PYTHON),
    "owasp-java": partial(owasp, language=Language.JAVA),
}
_EXAMS: Mapping[str, Callable[[], Dataset]] = {"exam-vulnerability": vulnerability_exam, "exam-clone": clone_exam}


def written_by_hand(dataset: Dataset) -> Sequence[Example]:
    """Examples of the exam for a built-in dataset's task; empty for other data."""
    return open_dataset(f"exam-{dataset.task}").examples(Split.TEST) if isinstance(dataset, Classroom) else ()


def open_dataset(name: str, data: Path | str | None = None, *, seed: int = 0) -> Dataset:
    """Open the dataset `name`; `data` is the file of a dataset that is not built in.

    Raises:
        DataError: the name is unknown, or the file is missing, empty or malformed.
    """
    info = next((info for info in DATASETS if info.name == name), None)
    if info is None:
        raise DataError(f"there is no dataset {name!r}: choose from {', '.join(d.name for d in DATASETS)}")
    if info.built_in:
        if data:
            raise DataError(f"{name} is built in and takes no data file: leave it out, or choose the dataset 'file'")
        return _EXAMS[name]() if info.test_only else _BUILT_IN[name](seed=seed)
    if name == "devign":
        return devign(data or None)
    if name == "bigclonebench":
        return bigclonebench(data or None)
    if not data:
        raise DataError(f"the dataset {name!r} needs a file: give its path as data")
    return _FOLDERS[name](data) if name in _FOLDERS else read_file(data)


def default_rows(dataset: Dataset, learned: Container[str] = ()) -> Rows:
    """Default rows for evaluating models: all rows of a user's file, else the test split.

    `learned` are the fingerprints of the models' training data; for a file among them the test split is used, because
    only that is new to the models.
    """
    own = isinstance(dataset, FileDataset) and not dataset.published
    return Rows.ALL if own and dataset.fingerprint not in learned else Rows.TEST


def examples_for(dataset: Dataset, rows: Rows | Split | None, learned: Container[str] = ()) -> Sequence[Example]:
    """Examples for evaluating models, from the given rows or from `default_rows`.

    Raises:
        DataError: the split is empty, or has examples without a label; or all rows are requested of a dataset that is
            not a file.
    """
    rows = Rows(rows or default_rows(dataset, learned))
    if rows is Rows.ALL:
        if not isinstance(dataset, FileDataset):
            raise DataError(f"{dataset.name} is drawn anew for each split: choose {Rows.TEST} or another split")
        return dataset.everything()
    examples = dataset.examples(Split(rows))
    if any(example.label == UNKNOWN for example in examples):
        raise DataError(f"the {rows} split of {dataset.name} has examples without a label: choose another split")
    return examples
