"""The paper's two benchmarks, Devign and BigCloneBench, as CodeXGLUE publishes them.

Each is read from files or, without any, from the Hugging Face hub. Published splits are kept, and the training split is
divided as in the paper (ASE 2022, Section 4.1): the teacher learns from one half with labels, the student from the
other half without.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from compressor_core.data.dataset import UNKNOWN, Example, Split, share_of
from compressor_core.data.files import FileDataset, read_file, split_of
from compressor_core.data.hub import dataset_parts, parquet_rows
from compressor_core.data.json_rows import json_objects
from compressor_core.data.lines import BadRow, bad_rows, text_lines
from compressor_core.data.tables import check, functions_in, read_rows, strictly
from compressor_core.errors import DataError
from compressor_core.files import checked_path
from compressor_core.language import Language

DEVIGN_HUB = "google/code_x_glue_cc_defect_detection"
BIGCLONEBENCH_HUB = "google/code_x_glue_cc_clone_detection_big_clone_bench"
PAPER_PAIRS = {Split.TRAIN: 90_102, Split.VALIDATION: 4_000, Split.TEST: 4_000}
"""Number of pairs drawn from the published ones: a tenth of the training pairs, and the paper's 4,000 test pairs."""
_DEVIGN, _BIGCLONEBENCH = "devign", "bigclonebench"
_DEVIGN_LABELS, _CLONE_LABELS = ("safe", "vulnerable"), ("different", "clone")

_STEMS = {
    Split.TRAIN: ("label_train", "train_sampled", "train"),
    Split.UNLABELLED: ("unlabel_train",),
    Split.VALIDATION: ("valid_sampled", "valid", "validation"),
    Split.TEST: ("test_sampled", "test"),
}
"""File names of each split, CodeXGLUE's and the paper's; the first one in a folder counts."""
FUNCTIONS, _PAIRS = "data.jsonl", "pairs.txt"
_TABLES = (".jsonl", ".jsonl.gz", ".json", ".csv", ".parquet")


def devign(data: Path | str | None = None) -> FileDataset:
    """Devign: a JSONL file with `func` and `target`, a folder with one for each split, or the hub's dataset.

    Raises:
        DataError: the data cannot be read, or the hub is needed and cannot be reached.
    """
    if data is None:
        parts = dataset_parts(DEVIGN_HUB)
        rows = [
            (split, Example((row["func"],), int(row["target"]), "", f"{split} {row['id']}"))
            for split, paths in parts.items()
            for path in paths
            for row in parquet_rows(path, ("id", "func", "target"))
        ]
        return _published(Path(DEVIGN_HUB), _DEVIGN, rows, _DEVIGN_LABELS, Language.C)
    path = checked_path(data)
    if not path.is_dir():
        return read_file(path, _DEVIGN, _DEVIGN_LABELS, Language.C)
    found = _split_files(path, *_TABLES)
    if not found:
        raise DataError(f"{path} has no train.jsonl, valid.jsonl or test.jsonl: give a folder with them, or one file")
    rows = []
    for split, file in found.items():
        read = strictly(file, read_rows(file, split=split))
        rows += [(split, replace(row.example, origin=f"{row.example.origin} of {file.name}")) for row in read]
    return _published(path, _DEVIGN, rows, _DEVIGN_LABELS, Language.C)


def bigclonebench(data: Path | str | None = None) -> FileDataset:
    """BigCloneBench: a folder with data.jsonl and one file of pairs or one for each split, or the hub's dataset.

    From the hub's 1.7 million pairs, as many are drawn as the paper uses; the draw depends only on the pairs. Pairs
    with a function that data.jsonl lacks are left out; the dataset's notes say how many.

    Raises:
        DataError: the data cannot be read, or the hub is needed and cannot be reached.
    """
    if data is None:
        return _published(
            Path(BIGCLONEBENCH_HUB),
            _BIGCLONEBENCH,
            _hub_pairs(dataset_parts(BIGCLONEBENCH_HUB)),
            _CLONE_LABELS,
            Language.JAVA,
            (f"A draw of the published pairs: {', '.join(f'{n:,} {split}' for split, n in PAPER_PAIRS.items())}.",),
        )
    folder = checked_path(data)
    if not (folder / FUNCTIONS).is_file():
        raise DataError(f"there is no {FUNCTIONS} in {folder}: give the folder of data.jsonl and the files of pairs")
    files: dict[Split | None, Path] = {}
    files.update(_split_files(folder, ".txt").items())
    published = bool(files)
    if not published and (folder / _PAIRS).is_file():
        files = {None: folder / _PAIRS}
    if not files:
        raise DataError(f"{folder} has no pairs: add train.txt, valid.txt and test.txt, or {_PAIRS}")
    functions = functions_by_id(folder / FUNCTIONS)
    pairs: list[tuple[Split, Example]] = []
    notes = []
    for split, file in files.items():
        unknown: Counter[str] = Counter()
        before = len(pairs)
        for example in _pairs(file, functions, split is Split.UNLABELLED, unknown):
            pairs.append((split or split_of(example), example))
        if unknown:
            left_out = sum(unknown.values())
            first = next(iter(unknown))
            if len(pairs) == before:
                raise DataError(
                    f"no pair of {file} names two functions of {folder / FUNCTIONS}: do they belong together?"
                )
            total = left_out + len(pairs) - before
            notes.append(
                f"{left_out:,} of the {total:,} pairs of {file.name} are left out: {FUNCTIONS} lacks "
                f"{len(unknown):,} of their functions, such as {first}."
            )
    if published:
        return _published(folder, _BIGCLONEBENCH, pairs, _CLONE_LABELS, Language.JAVA, tuple(notes))
    check(folder / _PAIRS, {example.label: _CLONE_LABELS[example.label] for _, example in pairs})
    return FileDataset(folder, _BIGCLONEBENCH, tuple(pairs), _CLONE_LABELS, Language.JAVA, notes=tuple(notes))


def halves(rows: Iterable[tuple[Split, Example]]) -> Iterator[tuple[Split, Example]]:
    """Divide the training split: half of each class stays `train`, the other half becomes `unlabelled`.

    The division depends only on the code. Nothing changes if some examples are already unlabelled.
    """
    rows = list(rows)
    training = [(index, example) for index, (split, example) in enumerate(rows) if split is Split.TRAIN]
    unlabelled: set[int] = set()
    if len(training) > 1 and not any(split is Split.UNLABELLED for split, _ in rows):
        by_label: dict[int, list[int]] = {}
        for index, _ in sorted(training, key=lambda entry: share_of("\n".join(entry[1].codes))):
            by_label.setdefault(rows[index][1].label, []).append(index)
        for indices in by_label.values():
            unlabelled.update(indices[(len(indices) + 1) // 2 :])
    for index, (split, example) in enumerate(rows):
        yield (Split.UNLABELLED if index in unlabelled else split), example


def _published(
    path: Path,
    name: str,
    rows: Sequence[tuple[Split, Example]],
    labels: tuple[str, str],
    language: Language,
    notes: tuple[str, ...] = (),
) -> FileDataset:
    check(path, {example.label: labels[example.label] for _, example in rows if example.label != UNKNOWN})
    return FileDataset(path, name, tuple(halves(rows)), labels, language, True, notes)


def _split_files(folder: Path, *suffixes: str) -> dict[Split, Path]:
    found: dict[Split, Path] = {}
    for split, stems in _STEMS.items():
        likely = (folder / f"{stem}{suffix}" for stem in stems for suffix in suffixes)
        path = next((path for path in likely if path.is_file()), None)
        if path is not None:
            found[split] = path
    return found


def functions_by_id(path: Path) -> dict[str, str]:
    """Functions of a data.jsonl by `idx`. Raises DataError for a row without `idx` or usable `func`."""
    functions: dict[str, str] = {}
    bad = []
    for entry in json_objects(path):
        if isinstance(entry, BadRow):
            bad.append(entry)
            continue
        line, row = entry
        found = functions_in(line, row, ("func",))
        if "func" not in row or "idx" not in row:
            bad.append(BadRow(line, "has no 'func' or no 'idx'"))
        elif isinstance(found, BadRow):
            bad.append(found)
        else:
            (functions[str(row["idx"])],) = found
    if bad:
        raise bad_rows(path, bad)
    return functions


def _pairs(path: Path, functions: Mapping[str, str], unlabelled: bool, unknown: Counter[str]) -> Iterator[Example]:
    """Pairs of a file: two ids and a label, 0 or 1, separated by tabs; a fourth field is ignored.

    Counts the skipped pairs in `unknown`, by missing function. An `unlabelled` file may have the label -1.
    """
    bad = []
    for line, text in text_lines(path):
        fields = text.split("\t")
        if len(fields) not in (3, 4) or fields[2] not in (("0", "1", "-1") if unlabelled else ("0", "1")):
            bad.append(BadRow(line, f"is {text[:60]!r}, not two ids and a label 0 or 1 separated by tabs"))
        elif missing := [name for name in fields[:2] if name not in functions]:
            unknown[missing[0]] += 1
        else:
            yield Example((functions[fields[0]], functions[fields[1]]), int(fields[2]), "", f"{fields[0]}, {fields[1]}")
    if bad:
        raise bad_rows(path, bad)


def _hub_pairs(parts: Mapping[Split, Sequence[Path]]) -> list[tuple[Split, Example]]:
    functions: dict[int, str] = {}  # stores each text once, although hundreds of pairs use it

    def pairs(paths: Sequence[Path]) -> Iterator[Example]:
        for path in paths:
            for row in parquet_rows(path, ("id1", "id2", "func1", "func2", "label")):
                first = functions.setdefault(row["id1"], row["func1"])
                second = functions.setdefault(row["id2"], row["func2"])
                yield Example((first, second), int(row["label"]), "", f"{row['id1']}, {row['id2']}")

    return [
        (split, example)
        for split, paths in parts.items()
        for example in heapq.nsmallest(PAPER_PAIRS[split], pairs(paths), key=lambda example: share_of(example.origin))
    ]
