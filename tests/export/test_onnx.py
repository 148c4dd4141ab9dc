"""The exported model answers as PyTorch does, whatever the length, and the model itself is left as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from compressor_core.architecture import Architecture
from compressor_core.errors import ModelError, StorageError
from compressor_core.export.onnx import export_onnx, open_onnx, run_onnx
from compressor_core.models.inference import forward
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.models.pair import PairClassifier
from compressor_core.models.student import build
from compressor_core.task import PairFeatures, Task

KINDS = [
    (Task.VULNERABILITY, PairFeatures.COMPARE),
    (Task.CLONE, PairFeatures.COMPARE),
    (Task.CLONE, PairFeatures.CONCAT),
]
PAD = 1


def student(task: Task, features: PairFeatures) -> nn.Module:
    torch.manual_seed(0)
    return build(Architecture(300, 32, 3, 4, 48), task, features)


def example(task: Task, *lengths: int) -> Encoded:
    rng = np.random.default_rng(sum(lengths))
    count = 1 if task is Task.VULNERABILITY else 2
    return tuple(FunctionInput([0, *rng.integers(4, 300, length - 2).tolist(), 2]) for length in lengths[:count])


@pytest.mark.parametrize(("task", "features"), KINDS)
def test_the_file_answers_as_the_model_does_at_any_length(task: Task, features: PairFeatures, tmp_path: Path) -> None:
    model = student(task, features).eval()
    export_onnx(model, tmp_path / "student.onnx")
    session = open_onnx(tmp_path / "student.onnx")
    answers = []
    for lengths in ((2, 512), (17, 9), (130, 131), (512, 40)):
        query = example(task, *lengths)
        logits = run_onnx(session, query)
        with torch.inference_mode():
            expected = forward(model, [query], PAD).numpy()
        assert logits.shape == (1, 2) and logits.dtype == np.float32
        assert np.abs(logits - expected).max() < 1e-4
        answers.append(logits)
    assert np.ptp(np.concatenate(answers), axis=0).min() > 1e-3  # it reads its input
    (file,) = tmp_path.iterdir()  # the weights are in it
    assert file.stat().st_size > 4 * sum(p.numel() for n, p in model.named_parameters() if "pooler" not in n)


@pytest.mark.parametrize(("task", "features"), KINDS)
def test_a_padded_batch(task: Task, features: PairFeatures, tmp_path: Path) -> None:
    model = student(task, features).eval()
    export_onnx(model, tmp_path / "student.onnx")
    session = open_onnx(tmp_path / "student.onnx")
    queries = [example(task, 20, 11), example(task, 7, 30), example(task, 12, 12)]
    arrays = []
    for side in range(len(queries[0])):
        longest = max(len(query[side]) for query in queries)
        rows = [query[side].ids + [PAD] * (longest - len(query[side])) for query in queries]
        ids = np.array(rows, dtype=np.int64)
        arrays += [ids, (ids != PAD).astype(np.int64)]
    names = [given.name for given in session.get_inputs()]
    logits = session.run(["logits"], dict(zip(names, arrays, strict=True)))[0]
    with torch.inference_mode():
        expected = torch.cat([forward(model, [query], PAD) for query in queries]).numpy()
    assert np.abs(logits - expected).max() < 1e-4


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(training: bool, tmp_path: Path) -> None:
    for task, features in KINDS[:2]:
        model = student(task, features).train(training)
        encoder = model.encoder if isinstance(model, PairClassifier) else model
        attention = encoder.config._attn_implementation  # type: ignore[union-attr]
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        export_onnx(model, tmp_path / f"{task}.onnx")
        assert all(module.training is training for module in model.modules())
        assert encoder.config._attn_implementation == attention == "sdpa"  # type: ignore[union-attr]
        assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_what_cannot_be_opened_or_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx cannot be opened"):
        open_onnx(tmp_path / "absent.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="export it again"):
        open_onnx(tmp_path / "broken.onnx")
    with pytest.raises(StorageError, match="Cannot write"):
        export_onnx(student(*KINDS[0]), tmp_path / "no folder" / "x.onnx")


def test_threads_are_as_asked(tmp_path: Path) -> None:
    export_onnx(student(*KINDS[0]), tmp_path / "x.onnx")
    assert open_onnx(tmp_path / "x.onnx", threads=2).get_session_options().intra_op_num_threads == 2
