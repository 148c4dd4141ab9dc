"""The int8 model is small, all of its weights are int8, and it answers nearly as the float32 model does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from compressor_core.errors import ModelError, StorageError
from compressor_core.export.int8 import export_int8
from compressor_core.export.onnx import export_onnx, open_onnx, run_onnx
from compressor_core.task import PairFeatures, Task
from tests.export.test_onnx import KINDS, example, student


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(kind))
def float32(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    export_onnx(student(*request.param), tmp_path / "float32.onnx")
    return tmp_path / "float32.onnx"


def test_it_answers_nearly_alike_at_any_length(float32: Path, tmp_path: Path) -> None:
    export_int8(float32, tmp_path / "int8.onnx")
    assert {file.name for file in tmp_path.iterdir()} == {"float32.onnx", "int8.onnx"}
    first, second = open_onnx(float32), open_onnx(tmp_path / "int8.onnx")
    assert [given.name for given in second.get_inputs()] == [given.name for given in first.get_inputs()]
    task = Task.VULNERABILITY if len(first.get_inputs()) == 2 else Task.CLONE
    gaps = []
    for lengths in ((3, 512), (40, 17), (200, 9)):
        query = example(task, *lengths)
        exact, rough = run_onnx(first, query), run_onnx(second, query)
        assert rough.shape == (1, 2) and rough.dtype == np.float32
        gaps.append(np.abs(exact - rough).max())
    assert 0 < max(gaps) < 0.2


def test_no_matrix_is_left_in_float32(float32: Path, tmp_path: Path) -> None:
    export_int8(float32, tmp_path / "int8.onnx")
    before, after = (onnx.load(path).graph.initializer for path in (float32, tmp_path / "int8.onnx"))
    assert not [w.name for w in after if w.data_type == onnx.TensorProto.FLOAT and len(w.dims) > 1]
    assert sum(w.ByteSize() for w in after) < 0.5 * sum(w.ByteSize() for w in before)


def test_what_cannot_be_read_or_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx is not there"):
        export_int8(tmp_path / "absent.onnx", tmp_path / "int8.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="export it again"):
        export_int8(tmp_path / "broken.onnx", tmp_path / "int8.onnx")
    export_onnx(student(Task.VULNERABILITY, PairFeatures.COMPARE), tmp_path / "float32.onnx")
    with pytest.raises(StorageError, match="check that its folder exists"):
        export_int8(tmp_path / "float32.onnx", tmp_path / "no folder" / "int8.onnx")
    assert {file.name for file in tmp_path.iterdir()} == {"broken.onnx", "float32.onnx"}
