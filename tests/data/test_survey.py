"""What a survey counts, against datasets small enough to count by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.data.files import read_file
from compressor_core.data.survey import survey
from compressor_core.records import Survey


def surveyed(path: Path, rows: list[dict[str, Any]]) -> Survey:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return survey(read_file(path))


def test_functions(tmp_path: Path) -> None:
    found = surveyed(
        tmp_path / "x.jsonl",
        [
            {"func": "a = b", "label": 1, "split": "train"},
            {"func": "a  =\nb", "label": 0, "split": "train"},
            {"func": "call(x, y)", "label": 0, "split": "train"},
            {"func": "z", "label": "", "split": "unlabelled"},
            {"func": "call(x,  y)", "label": 0, "split": "test"},
            {"func": "f()", "label": 1, "split": "test"},
        ],
    )
    assert [part.model_dump() for part in found.splits] == [
        {"split": "train", "examples": 3, "positive": 1, "unlabelled": 0},
        {"split": "unlabelled", "examples": 1, "positive": 0, "unlabelled": 1},
        {"split": "test", "examples": 2, "positive": 1, "unlabelled": 0},
    ]
    assert found.functions == 4
    assert (found.duplicates, found.conflicts, found.conflict) == (2, 1, ("line 1", "line 2"))
    assert [part.model_dump() for part in found.shared] == [{"split": "test", "functions": 1, "of": 2, "examples": 1}]
    assert (found.longest_tokens, found.longest_characters, found.longest_origin) == (6, 10, "line 3")
    assert sum(found.functions_by_length) == 4 and found.median == 3  # of 3, 6, 1 and 3 tokens
    assert found.edges[0] == 1 and found.edges[-1] > 6
    assert Survey.model_validate_json(found.model_dump_json()) == found


def test_pairs_are_the_same_in_either_order_and_share_single_functions(tmp_path: Path) -> None:
    found = surveyed(
        tmp_path / "x.jsonl",
        [
            {"func1": "a()", "func2": "b()", "label": 1, "split": "train"},
            {"func1": "b()", "func2": "a()", "label": 1, "split": "validation"},
            {"func1": "a()", "func2": "c()", "label": 0, "split": "test"},
            {"func1": "d()", "func2": "e()", "label": 0, "split": "test"},
        ],
    )
    assert (found.functions, found.duplicates, found.conflicts) == (5, 1, 0)
    assert [part.model_dump() for part in found.shared] == [
        {"split": "validation", "functions": 2, "of": 2, "examples": 1},
        {"split": "test", "functions": 1, "of": 4, "examples": 1},
    ]


def test_what_teacher_and_student_share_is_counted_once(tmp_path: Path) -> None:
    rows = [{"func": f"f{i}()", "label": i % 2} for i in range(50)]
    found = surveyed(tmp_path / "x.jsonl", rows)
    assert sum(split.examples for split in found.splits) == 50
    dataset = read_file(tmp_path / "x.jsonl")
    assert [dataset.size(split) for split in Split].count(0) == 1 and sum(map(dataset.size, Split)) == 50
    assert found.duplicates == 0


def test_functions_of_one_length_and_a_very_long_one(tmp_path: Path) -> None:
    rows = [{"func": name, "label": label} for name, label in (("a", 0), ("b", 1))]
    assert surveyed(tmp_path / "x.jsonl", rows).functions_by_length == (2,)
    rows.append({"func": "x " * 100_000, "label": 1})
    found = surveyed(tmp_path / "x.jsonl", rows)
    assert found.longest_tokens == 100_000 and sum(found.functions_by_length) == 3


def test_of_the_classroom_only_what_is_fixed_is_looked_at() -> None:
    found = survey(ClassroomVulnerability())
    assert found.fresh and found.language == "python"
    assert [split.split for split in found.splits] == ["validation", "test"]
    assert all(0.28 < split.positive / split.examples < 0.38 for split in found.splits)
