"""Data flow from the base to the student: GraphCodeBERT's way, with a tiny RoBERTa in its place."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, RobertaConfig, RobertaForMaskedLM

from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.dataflow import DataFlow, extract
from compressor_core.distill.distillation import distill
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.settings import DistillSettings, TeacherSettings
from compressor_core.errors import ModelError, SettingsError
from compressor_core.evaluate.comparison import compare
from compressor_core.evaluate.settings import CompareSettings
from compressor_core.language import Language
from compressor_core.models import graph
from compressor_core.models.classifier import load
from compressor_core.progress import finish
from compressor_core.task import Task
from tests.tiny import TINY, run_through


def c_functions() -> Iterator[tuple[str, int]]:
    """Functions that return what came in, or what did not: the tell is a flow."""
    rng = random.Random(0)
    for index in range(90):
        a, b, c = rng.sample(["alpha", "beta", "gamma", "delta", "count", "size"], 3)
        value = b if index % 2 else c
        yield f"int f{index}(int {b}, int {c}) {{ int {a} = {value}; {a} += {index}; return {a}; }}", index % 2


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, str]:
    folder = tmp_path_factory.mktemp("c")
    functions = list(c_functions())
    rows: dict[Task, list[dict[str, Any]]] = {
        Task.VULNERABILITY: [{"func": code, "label": label, "language": "c"} for code, label in functions],
        Task.CLONE: [
            {"func1": a, "func2": b, "label": int(x == y), "language": "c"}
            for (a, x), (b, y) in zip(functions, functions[1:] + functions[:1], strict=True)
            for b, y in ((b, y), (a, x))
        ],
    }
    paths = {}
    for task, lines in rows.items():
        path = folder / f"{task}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        paths[task] = str(path)
    return paths


@pytest.fixture(scope="module")
def graphcodebert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RoBERTa that says it is GraphCodeBERT."""
    folder = tmp_path_factory.mktemp("models") / "tiny-graphcodebert"
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=1,
    )
    RobertaForMaskedLM(config).save_pretrained(folder)
    train_tokenizer([code for code, _ in c_functions()], 400).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("task", list(Task))
def test_the_student_reads_data_flow_because_its_teacher_does(
    graphcodebert: Path, files: dict[Task, str], tmp_path: Path, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted: list[str] = []

    def counted(code: str, language: Language) -> DataFlow:
        extracted.append(code)
        return extract(code, language)

    monkeypatch.setattr(graph, "extract", counted)
    graph._flow.cache_clear()

    teacher, student = tmp_path / "teacher", tmp_path / "student"
    asked = TeacherSettings(
        base=str(graphcodebert), dataset="file", data=files[task], epochs=2, learning_rate=1e-3, threads=1
    )
    run_through(train_teacher(asked, teacher))
    card = load(teacher).card
    assert card.data_flow is Language.C and card.max_length == 256

    wanted = DistillSettings(
        teacher=str(teacher), architecture=TINY, dataset="file", data=files[task], epochs=3, batch_size=8, threads=1
    )
    result = run_through(distill(wanted, student))[-1]
    loaded = load(student)
    assert loaded.card.data_flow is Language.C and loaded.card.max_length == 384
    assert len(extracted) == len(set(extracted)), "once for all epochs, for teacher and student"

    code, other = (code for code, _ in list(c_functions())[:2])
    (example,) = loaded.encode([(code,) if task is Task.VULNERABILITY else (code, other)])
    assert example[0].graph is not None and len(example[0].graph.spans) >= 4
    both = finish(
        compare(
            CompareSettings(
                teacher=str(teacher),
                student=str(student),
                dataset="file",
                data=files[task],
                split="test",
                latency_examples=2,
                latency_rounds=1,
            )
        )
    )
    assert both is not None and both.student.accuracy == result.accuracy
    if task is Task.VULNERABILITY:
        AutoModelForSequenceClassification.from_pretrained(student)


def test_it_can_be_left_out(graphcodebert: Path, files: dict[Task, str], tmp_path: Path) -> None:
    asked = TeacherSettings(
        base=str(graphcodebert), dataset="file", data=files[Task.VULNERABILITY], epochs=1, threads=1, data_flow=False
    )
    run_through(train_teacher(asked, tmp_path / "teacher"))
    assert load(tmp_path / "teacher").card.data_flow is None


def test_a_teacher_from_scratch_can_read_it_too(files: dict[Task, str], tmp_path: Path) -> None:
    asked = TeacherSettings(
        dataset="file", data=files[Task.CLONE], architecture=TINY, epochs=1, threads=1, max_length=400, data_flow=True
    )
    run_through(train_teacher(asked, tmp_path / "teacher"))
    card = load(tmp_path / "teacher").card
    assert (card.data_flow, card.max_length) == (Language.C, 384)


def test_a_file_must_say_its_language(graphcodebert: Path, labelled_file: Path, tmp_path: Path) -> None:
    asked = TeacherSettings(base=str(graphcodebert), dataset="file", data=str(labelled_file), threads=1)
    with pytest.raises(SettingsError, match=r"does not say in which language .*c, java, python"):
        run_through(train_teacher(asked, tmp_path / "teacher"))


def test_teacher_and_dataset_of_different_languages(files: dict[Task, str], tmp_path: Path) -> None:
    teacher = tmp_path / "teacher"
    data = files[Task.VULNERABILITY]
    asked = TeacherSettings(dataset="file", data=data, architecture=TINY, epochs=1, threads=1, data_flow=True)
    run_through(train_teacher(asked, teacher))
    java = tmp_path / "java.jsonl"
    java.write_text(Path(data).read_text(encoding="utf-8").replace('"language": "c"', '"language": "java"'))
    with pytest.raises(ModelError, match="reads the data flow of c and file is java"):
        list(
            distill(
                DistillSettings(teacher=str(teacher), architecture=TINY, dataset="file", data=str(java), threads=1),
                tmp_path / "student",
            )
        )
