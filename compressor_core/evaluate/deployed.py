"""A model in the forms in which it can run: PyTorch, ONNX Runtime, and ONNX Runtime with 8-bit weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from compressor_core.export.int8 import export_int8
from compressor_core.export.onnx import export_onnx, onnx_inputs, open_onnx
from compressor_core.models import graph
from compressor_core.models.card import DATA_FLOW_NODES
from compressor_core.models.classifier import Classifier
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.models.pair import PairClassifier
from compressor_core.records import Form

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Logits = NDArray[np.float32]


FILES: Final = {Form.ONNX: "float32.onnx", Form.INT8: "int8.onnx"}
"""Names of the files that `Deployment` writes."""


class Deployment:
    """A classifier on the CPU in each of its forms, in eval mode; the ONNX files are written to `folder`.

    `fused` is as in `export_onnx`.

    Raises:
        ModelError, StorageError: a file cannot be written.
    """

    def __init__(self, classifier: Classifier, folder: Path, *, threads: int = 1, fused: bool = True) -> None:
        self.classifier = classifier
        self.folder = folder
        self._sessions: dict[Form, InferenceSession] = {}
        classifier.model.to("cpu").eval()
        self._flow = classifier.card.data_flow is not None
        export_onnx(classifier.model, folder / FILES[Form.ONNX], fused=fused, data_flow=self._flow)
        export_int8(folder / FILES[Form.ONNX], folder / FILES[Form.INT8])
        for form, name in FILES.items():
            self._sessions[form] = open_onnx(folder / name, threads=threads)
        self._names = [given.name for given in self._sessions[Form.ONNX].get_inputs()]

    def file_mb(self, form: Form) -> float | None:
        """Size of the file of a form in MB; None if it has no file."""
        return (self.folder / FILES[form]).stat().st_size / 1e6 if form in FILES else None

    def padded_tokens(self, padded_to: int) -> int:
        """Length of a padded function; for a model with data flow, its fixed length including nodes."""
        card = self.classifier.card
        return padded_to if card.data_flow is None else card.max_length + DATA_FLOW_NODES

    def prepare(self, form: Form, batch: Sequence[Encoded], length: int = 0) -> Prepared:
        """Input of `run`: functions padded to the longest of the batch, or to `length` if that is longer."""
        sides: list[list[FunctionInput]] = list(map(list, zip(*batch, strict=True)))
        if self._flow and form not in FILES:
            return Prepared(sides, length)
        pad_id = self.classifier.pad_id
        arrays = [array for side in sides for array in onnx_inputs(side, pad_id, length, data_flow=self._flow)]
        return Prepared(arrays if form in FILES else [torch.from_numpy(array) for array in arrays], length)

    def run(self, form: Form, prepared: Prepared) -> Logits:
        """Logits (batch, 2)."""
        if form in FILES:
            answer: Logits = self._sessions[form].run(None, dict(zip(self._names, prepared.inputs, strict=True)))[0]
            return answer
        with torch.inference_mode():
            return self._in_pytorch(prepared)

    def _in_pytorch(self, prepared: Prepared) -> Logits:
        model: Any = self.classifier.model
        if not self._flow:
            if isinstance(model, PairClassifier):
                first, first_mask, second, second_mask = prepared.inputs
                answer: Logits = model((first, first_mask), (second, second_mask)).numpy()
                return answer
            ids, mask = prepared.inputs
            answer = model(input_ids=ids, attention_mask=mask).logits.numpy()
            return answer
        encoder = model.encoder if isinstance(model, PairClassifier) else model
        words, pad_id = encoder.get_input_embeddings(), self.classifier.pad_id
        batches = [graph.batch(words, side, pad_id, prepared.length) for side in prepared.inputs]
        if isinstance(model, PairClassifier):
            answer = model.compare(*(model.pool(batch.arguments, batch.code) for batch in batches)).numpy()
            return answer
        answer = model(**batches[0].arguments).logits.numpy()
        return answer


@dataclass(frozen=True)
class Prepared:
    """One batch ready to run: the inputs of each side; for a model with data flow in PyTorch, the functions."""

    inputs: list[Any]
    length: int
