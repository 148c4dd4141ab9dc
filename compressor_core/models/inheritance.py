"""Initialising a student's token embeddings from its teacher's, across different vocabularies and widths."""

from __future__ import annotations

from typing import Any, cast

import torch
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor

from compressor_core.errors import ModelError
from compressor_core.models.classifier import Classifier
from compressor_core.models.pair import whole_model

_MOST = 1e15
"""Absolute weight value from which sums of squares overflow float32."""


@torch.no_grad()
def inherit_embeddings(student: Classifier, teacher: Classifier) -> None:
    """Set each token's embedding, in place, to the mean of the teacher's for the same text, in fewer dimensions.

    The teacher's tokenizer splits the text of each student token, and the embeddings of the pieces are averaged (Gee et
    al., "Fast Vocabulary Transfer for Language Model Compression", EMNLP 2022). PCA reduces them to the student's
    width (in float64 and with fixed signs, so that every run gets the same). Special tokens are taken from the teacher
    by name. The root mean square of the student's embeddings is kept. Does nothing if the teacher's tokenizer, unlike
    the student's, is not a byte-level BPE, since its pieces would be other text. Raises ModelError for embeddings that
    overflow.
    """
    whole: Any = teacher.tokenizer.backend_tokenizer
    if not isinstance(whole.model, BPE) or not isinstance(whole.pre_tokenizer, ByteLevel):
        return
    own, its = (cast(Tensor, whole_model(one.model).get_input_embeddings().weight) for one in (student, teacher))
    largest = float(its.abs().max())
    if largest > _MOST:
        raise ModelError(
            f"the teacher's token embeddings have values up to {largest:.2g}, whose squares are no finite numbers: its "
            "weights are damaged; take another teacher"
        )
    vocabulary = teacher.tokenizer.get_vocab()
    rows = torch.zeros(len(own), its.shape[1], dtype=torch.float64)
    for token, number in student.tokenizer.get_vocab().items():
        pieces = [vocabulary[token]] if token in vocabulary else [piece.id for piece in whole.model.tokenize(token)]
        if pieces:
            rows[number] = its[pieces].double().mean(0)
    rows -= rows.mean(0)
    _, components = torch.linalg.eigh(rows.T @ rows)
    directions = components.flip(1)[:, : own.shape[1]]
    directions = directions * directions.gather(0, directions.abs().argmax(0, keepdim=True)).sign()
    kept = rows @ directions
    own[:, : kept.shape[1]] = kept * (own.square().mean().sqrt() / kept.square().mean().sqrt())
