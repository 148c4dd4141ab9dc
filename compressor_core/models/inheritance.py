"""Initialising a student from its teacher, across different vocabularies, widths and depths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import torch
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor

from compressor_core.errors import ModelError
from compressor_core.models.classifier import Classifier
from compressor_core.models.modeling_pair import vectors
from compressor_core.models.pair import PairClassifier, encoder_config, whole_model

_MOST = 1e15
"""Absolute weight value from which sums of squares overflow float32."""
_FAMILY = frozenset({"roberta", "camembert", "xlm-roberta"})
"""Model types whose encoders have the names and positions of RoBERTa's, as every student has."""
_READ = ("attention.self.query", "attention.self.key", "attention.self.value", "intermediate.dense")
_WRITTEN = ("attention.output.dense", "output.dense")
"""Linear layers of a transformer layer that read from its input, and that write to its output."""


@torch.no_grad()
def inherit_embeddings(student: Classifier, teacher: Classifier) -> bool:
    """Set each token's embedding, in place, to the mean of the teacher's for the same text, in fewer dimensions.

    The teacher's tokenizer splits the text of each student token, and the embeddings of the pieces are averaged (Gee et
    al., "Fast Vocabulary Transfer for Language Model Compression", EMNLP 2022). PCA reduces them to the student's
    width (in float64 and with fixed signs, so that every run gets the same). Special tokens are taken from the teacher
    by name. The root mean square of the student's embeddings is kept. Returns False, and does nothing, if the teacher's
    tokenizer, unlike the student's, is not a byte-level BPE, since its pieces would be other text. Raises ModelError
    for embeddings that overflow.
    """
    rows = _transferred(student, teacher)
    if rows is None:
        return False
    own = _words(student)
    rows -= rows.mean(0)
    _, components = torch.linalg.eigh(rows.T @ rows)
    directions = components.flip(1)[:, : own.shape[1]]
    directions = directions * directions.gather(0, directions.abs().argmax(0, keepdim=True)).sign()
    kept = rows @ directions
    own[:, : kept.shape[1]] = kept * (own.square().mean().sqrt() / kept.square().mean().sqrt())
    return True


@torch.no_grad()
def inherit_layers(student: Classifier, teacher: Classifier) -> bool:
    """Set the student's weights, in place, to a part of the teacher's: its best-used dimensions, neurons and heads.

    This is weight selection (Xu et al., "Initializing Models with Larger Ones", ICLR 2024): the first layers, and of
    each a part, though not evenly spaced weights. Of the width, the dimensions with the largest weights in all layers
    are kept, of each feed-forward layer the neurons with the largest weights. A head starts as the best approximation
    of one of the teacher's heads in its fewer dimensions; if the student has more heads, several share one. Token
    embeddings are averaged as in `inherit_embeddings`. What the teacher does not have, such as further layers or
    neurons, stays as it is.

    Returns False, and does nothing, if the teacher is not a RoBERTa encoder with a byte-level BPE, or is narrower than
    the student. Raises ModelError for weights that overflow.
    """
    config = encoder_config(teacher.model)
    own_config = encoder_config(student.model)
    if config.model_type not in _FAMILY or config.hidden_size < own_config.hidden_size:
        return False
    rows = _transferred(student, teacher)
    if rows is None:
        return False
    its = {name: value.float().cpu() for name, value in whole_model(teacher.model).base_model.state_dict().items()}
    _require_usable(its.values())
    own = whole_model(student.model).base_model.state_dict()
    kept = _dimensions(its, config.num_hidden_layers, own_config.hidden_size)
    words = "embeddings.word_embeddings.weight"
    own[words].copy_(rows[:, kept])
    for name in own:
        if name.startswith("embeddings.") and name != words and own[name].is_floating_point():
            _copy(own[name], its[name][..., kept])
    heads = own_config.num_attention_heads, config.num_attention_heads
    for place in range(min(own_config.num_hidden_layers, config.num_hidden_layers)):
        prefix = f"encoder.layer.{place}."
        _inherit_layer(_part(own, prefix), _part(its, prefix), heads, kept)
    _inherit_head(student.model, teacher.model, kept)
    return True


def _inherit_layer(own: Mapping[str, Tensor], its: Mapping[str, Tensor], heads: tuple[int, int], kept: Tensor) -> None:
    """Set the weights of one layer; `heads` of the student and of the teacher, `kept` dimensions of the teacher."""
    count, of = heads
    size, whole = len(kept) // count, len(its["attention.self.query.bias"]) // of
    read = {
        name: torch.cat([its[f"attention.self.{name}.weight"][:, kept], its[f"attention.self.{name}.bias"][:, None]], 1)
        for name in ("query", "key", "value")
    }
    written = its["attention.output.dense.weight"][kept].T
    for head in range(count):
        source = head * of // count
        rows, to = slice(source * whole, (source + 1) * whole), slice(head * size, (head + 1) * size)
        # The teacher divides by the root of its heads' width, the student by that of its own.
        scale = (size / whole) ** 0.25
        for name, values in zip(
            ("query", "key"), _halves(read["query"][rows], read["key"][rows], slice(size)), strict=True
        ):
            _copy(own[f"attention.self.{name}.weight"][to], values[:, :-1] * scale)
            _copy(own[f"attention.self.{name}.bias"][to], values[:, -1] * scale)
        # Heads that share one of the teacher's attend alike, and carry different directions of its values.
        share = head - -(-source * count // of)
        output, value = _halves(written[rows], read["value"][rows], slice(share * size, (share + 1) * size))
        _copy(own["attention.self.value.weight"][to], value[:, :-1])
        _copy(own["attention.self.value.bias"][to], value[:, -1])
        _copy(own["attention.output.dense.weight"].T[to], output)
    inner = its["intermediate.dense.weight"].norm(dim=1) * its["output.dense.weight"].norm(dim=0)
    neurons = inner.topk(min(len(inner), len(own["intermediate.dense.bias"]))).indices
    _copy(own["intermediate.dense.weight"], its["intermediate.dense.weight"][neurons][:, kept])
    _copy(own["intermediate.dense.bias"], its["intermediate.dense.bias"][neurons])
    _copy(own["output.dense.weight"], its["output.dense.weight"][kept][:, neurons])
    for name in ("attention.output.dense.bias", "output.dense.bias"):
        own[name].copy_(its[name][kept])
    for name in own:
        if "LayerNorm" in name:
            own[name].copy_(its[name][kept])


def _inherit_head(student: Any, teacher: Any, kept: Tensor) -> None:
    """Set the classification head, if both models have the same kind."""
    if isinstance(student, PairClassifier) and isinstance(teacher, PairClassifier):
        if student.features is not teacher.features:
            return
        width = teacher.encoder.config.hidden_size
        read = torch.cat([kept + block * width for block in range(vectors(student.features))])
        own, its, last = student, teacher, "out"
    elif hasattr(teacher, "classifier") and hasattr(teacher.classifier, "out_proj"):
        own, its, last, read = student.classifier, teacher.classifier, "out_proj", kept
    else:
        return
    own.dense.weight.copy_(its.dense.weight.cpu()[kept][:, read])
    own.dense.bias.copy_(its.dense.bias.cpu()[kept])
    getattr(own, last).weight.copy_(getattr(its, last).weight.cpu()[:, kept])
    getattr(own, last).bias.copy_(getattr(its, last).bias.cpu())


def _dimensions(its: Mapping[str, Tensor], layers: int, width: int) -> Tensor:
    """The `width` dimensions with the largest weights in all layers, in ascending order."""
    used = torch.zeros(len(its["embeddings.LayerNorm.weight"]))
    for place in range(layers):
        layer = _part(its, f"encoder.layer.{place}.")
        for name in _READ:
            used += layer[f"{name}.weight"].square().sum(0)
        for name in _WRITTEN:
            used += layer[f"{name}.weight"].square().sum(1)
    return used.topk(width).indices.sort().values


def _halves(left: Tensor, right: Tensor, part: slice) -> tuple[Tensor, Tensor]:
    """Two matrices (rank, n) and (rank, m) whose product is that part of left.T @ right, by singular values.

    `left` (d, n), `right` (d, m); at most d singular values are not zero, so the rank is at most d.
    """
    outer, first = torch.linalg.qr(left.T)
    inner, second = torch.linalg.qr(right.T)
    u, values, v = torch.linalg.svd(first @ second.T)
    roots = values[part].sqrt()
    return (outer @ u[:, part] * roots).T, (inner @ v[part].T * roots).T


def _copy(own: Tensor, its: Tensor) -> None:
    """Copy what fits in every dimension; the rest stays as it is."""
    where = tuple(slice(min(mine, other)) for mine, other in zip(own.shape, its.shape, strict=True))
    own[where] = its[where]


def _part(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def _transferred(student: Classifier, teacher: Classifier) -> Tensor | None:
    """The teacher's mean embedding (vocabulary, teacher's width) of the text of each of the student's tokens.

    In float64. None if the teacher's tokenizer is not a byte-level BPE.
    """
    whole: Any = teacher.tokenizer.backend_tokenizer
    if not isinstance(whole.model, BPE) or not isinstance(whole.pre_tokenizer, ByteLevel):
        return None
    its = _words(teacher)
    _require_usable([its])
    vocabulary = teacher.tokenizer.get_vocab()
    rows = torch.zeros(len(_words(student)), its.shape[1], dtype=torch.float64)
    for token, number in student.tokenizer.get_vocab().items():
        pieces = [vocabulary[token]] if token in vocabulary else [piece.id for piece in whole.model.tokenize(token)]
        if pieces:
            rows[number] = its[pieces].double().mean(0)
    return rows


def _require_usable(weights: Iterable[Tensor]) -> None:
    largest = max(float(value.abs().max()) for value in weights if value.is_floating_point())
    if largest > _MOST:
        raise ModelError(
            f"the teacher has weights up to {largest:.2g}, whose squares are no finite numbers: they are damaged; take "
            "another teacher"
        )


def _words(model: Classifier) -> Tensor:
    """Token embeddings (vocabulary, width)."""
    return cast(Tensor, whole_model(model.model).get_input_embeddings().weight)
