"""Line attributions of a model's answer by integrated gradients (Sundararajan, Taly and Yan, ICML 2017).

The margin of the answer is explained: the logit of the predicted class minus that of the other class. Along the
straight path from a baseline without code (all word embeddings zero; positions, `<s>` and `</s>` unchanged) to the
code, the gradient of the margin with respect to each word embedding is integrated and multiplied by the change of the
embedding (Equation 1). This gives a score for each token; the score of a line is the sum over its tokens. By
completeness (Proposition 1), the scores add up to the margin of the code minus that of the baseline.

The gradient changes sharply where the answer changes. The path is therefore split into pieces, completeness is checked
on each, and the pieces with the largest errors are halved until the total adds up.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from compressor_core.errors import ModelError
from compressor_core.models import graph
from compressor_core.models.classifier import Classifier
from compressor_core.models.inputs import FunctionInput
from compressor_core.models.pair import PairClassifier
from compressor_core.records import Attribution

TOLERANCE = 0.02
"""Completeness error allowed, relative to the total of the scores or to one logit, whichever is larger."""
MOST_GRADIENTS = 400
"""Maximum number of gradient evaluations along the path."""
_NODES, _WEIGHTS = (torch.tensor(each / 2, dtype=torch.float32) for each in np.polynomial.legendre.leggauss(5))
_PIECES = 4
_BATCH_TOKENS = 2048


def attribute(
    classifier: Classifier, codes: tuple[str, ...], *, tolerance: float = TOLERANCE, most: int = MOST_GRADIENTS
) -> Attribution:
    """Attribution of the model's answer on one function, or a pair, to its lines.

    Raises:
        ModelError: the tokenizer cannot give the positions of its tokens in the code.
    """
    path = _Path(classifier, codes)
    edges = [index / _PIECES for index in range(_PIECES + 1)]
    pieces = path.pieces(list(pairwise(edges)))
    gradients = len(_NODES) * len(pieces)
    allowed = tolerance * max(1.0, abs(path.margin - path.baseline))
    while sum(abs(piece.missing) for piece in pieces) > allowed and gradients < most:
        bad = [piece for piece in pieces if abs(piece.missing) > allowed / (2 * len(pieces))]
        bad = sorted(bad, key=lambda piece: -abs(piece.missing))[: max(1, (most - gradients) // (2 * len(_NODES)))]
        halves = [half for piece in bad for half in piece.halves()]
        pieces = [piece for piece in pieces if piece not in bad] + path.pieces(halves)
        gradients += len(_NODES) * len(halves)
    lines = []
    for index, (code, places) in enumerate(zip(codes, path.places, strict=True)):
        scores = torch.stack([piece.scores[index] for piece in pieces]).sum(0)
        lines.append(line_scores(code, places, scores.tolist()))
    missing = sum(piece.missing for piece in pieces)
    return Attribution(
        label=path.label,
        lines=tuple(lines),
        margin=path.margin,
        baseline=path.baseline,
        missing=missing,
        gradients=gradients,
    )


def line_scores(code: str, places: Sequence[int], scores: Sequence[float]) -> tuple[float | None, ...]:
    """Sum of the token scores on each line; `places` are the start offsets of the tokens in `code`.

    A blank line has 0; any other line without a token has None.
    """
    lines = code.splitlines(keepends=True)
    starts = list(accumulate((len(line) for line in lines), initial=0))[:-1]
    sums: list[float | None] = [None if line.strip() else 0.0 for line in lines]
    for place, score in zip(places, scores, strict=True):
        line = max(bisect_right(starts, place) - 1, 0)
        sums[line] = (sums[line] or 0.0) + score
    return tuple(sums)


@dataclass(frozen=True, eq=False)
class _Piece:
    """A piece of the path: its contribution to the scores (tokens,) of each function, and its completeness error."""

    start: float
    end: float
    scores: tuple[Tensor, ...]
    missing: float

    def halves(self) -> tuple[tuple[float, float], tuple[float, float]]:
        middle = (self.start + self.end) / 2
        return (self.start, middle), (middle, self.end)


class _Path:
    """The straight path of the word embeddings from the baseline to the code."""

    def __init__(self, classifier: Classifier, codes: tuple[str, ...]) -> None:
        self.model, self.pad_id = classifier.model, classifier.pad_id
        whole: Any = self.model.encoder if isinstance(self.model, PairClassifier) else self.model
        self.embeddings: nn.Module = whole.get_input_embeddings()
        (self.functions,) = classifier.encode([codes])
        read = [_read(classifier, code, function) for code, function in zip(codes, self.functions, strict=True)]
        self.places = [places for places, _ in read]
        device = next(self.model.parameters()).device
        self.kept = [torch.tensor(tokens, device=device, dtype=torch.long) for _, tokens in read]
        with torch.no_grad():
            self.ends = [self.embeddings(torch.tensor(f.ids, device=device)) for f in self.functions]
        self.gains = []
        for end, kept in zip(self.ends, self.kept, strict=True):
            gain = torch.zeros_like(end)
            gain[kept] = end[kept]
            self.gains.append(gain)
        self.known: dict[float, float] = {}
        with torch.no_grad():
            first, second = self._logits([1.0], [*self.ends])[0].tolist()
        self.sign = 1.0 if second > first else -1.0
        self.label = classifier.card.labels[int(second > first)]
        self._learn([0.0, 1.0])
        self.baseline, self.margin = self.known[0.0], self.known[1.0]

    def pieces(self, spans: Sequence[tuple[float, float]]) -> list[_Piece]:
        """Pieces between these points, by Gauss-Legendre quadrature (Equation 3 uses the plain sum)."""
        self._learn([point for span in spans for point in span])
        points = [(start + end) / 2 + (end - start) * float(node) for start, end in spans for node in _NODES]
        gradients = self._gradients(points)
        pieces = []
        for index, (start, end) in enumerate(spans):
            rows = slice(index * len(_NODES), (index + 1) * len(_NODES))
            scores = []
            for gradient, gain, kept in zip(gradients, self.gains, self.kept, strict=True):
                weights = _WEIGHTS.to(gradient)[:, None, None] * (end - start)
                scores.append(((gradient[rows] * weights).sum(0) * gain).sum(-1)[kept].double().cpu())
            missing = sum(float(score.sum()) for score in scores) - (self.known[end] - self.known[start])
            pieces.append(_Piece(start, end, tuple(scores), missing))
        return pieces

    def _learn(self, points: Sequence[float]) -> None:
        """Compute and store the margins at these points."""
        new = [point for point in dict.fromkeys(points) if point not in self.known]
        with torch.no_grad():
            for chosen in self._batches(new):
                logits = self._logits(chosen, self._words(chosen))
                self.known |= zip(chosen, self._margins(logits).tolist(), strict=True)

    def _gradients(self, points: Sequence[float]) -> list[Tensor]:
        """For each function, gradients (points, tokens, hidden) of the margin with respect to its word embeddings."""
        found: list[list[Tensor]] = [[] for _ in self.functions]
        with torch.enable_grad():
            for chosen in self._batches(points):
                words = [each.requires_grad_(True) for each in self._words(chosen)]
                margins = self._margins(self._logits(chosen, words))
                for parts, gradient in zip(found, torch.autograd.grad(margins.sum(), words), strict=True):
                    parts.append(gradient)
        return [torch.cat(parts) for parts in found]

    def _batches(self, points: Sequence[float]) -> list[Sequence[float]]:
        size = max(1, _BATCH_TOKENS // max(map(len, self.functions)))
        return [points[start : start + size] for start in range(0, len(points), size)]

    def _margins(self, logits: Tensor) -> Tensor:
        return self.sign * (logits[:, 1] - logits[:, 0])

    def _words(self, points: Sequence[float]) -> list[Tensor]:
        """For each function, its word embeddings (points, tokens, hidden) at these points of the path."""
        along = torch.tensor(points, device=self.ends[0].device)[:, None, None]
        return [end - (1 - along) * gain for end, gain in zip(self.ends, self.gains, strict=True)]

    def _logits(self, points: Sequence[float], words: Sequence[Tensor]) -> Tensor:
        """Logits (points, 2) for these word embeddings of the functions."""
        batches = [
            self._arguments(function, each.expand(len(points), -1, -1))
            for function, each in zip(self.functions, words, strict=True)
        ]
        if isinstance(self.model, PairClassifier):
            first, second = (self.model.pool(*batch) for batch in batches)
            return self.model.compare(first, second)
        logits: Tensor = self.model(**batches[0][0]).logits
        return logits

    def _arguments(self, function: FunctionInput, words: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        if function.graph is not None and function.graph.spans:
            # A node's embedding is the mean over its tokens, so its contribution is attributed to them.
            batch = graph.batch(_Given(self.embeddings, words), [function] * len(words), self.pad_id)
            return batch.arguments, batch.code
        mask = torch.ones(words.shape[:2], dtype=torch.long, device=words.device)
        return {"inputs_embeds": words, "attention_mask": mask}, mask


class _Given(nn.Module):
    """Replaces an embedding layer by given embeddings."""

    def __init__(self, embeddings: Any, words: Tensor) -> None:
        super().__init__()
        self.weight = embeddings.weight
        self._words = words

    def forward(self, ids: Tensor) -> Tensor:
        return self._words


def _read(classifier: Classifier, code: str, function: FunctionInput) -> tuple[list[int], list[int]]:
    """Start offset of each code token, and its index among the function's ids."""
    tokenizer = classifier.tokenizer
    if not tokenizer.is_fast:
        raise ModelError(
            "This model's tokenizer does not say where its tokens stand in the code, so no line can be scored: "
            "save the model with a tokenizer.json."
        )
    if classifier.card.data_flow is not None:
        count = len(function.ids) - 2
        return graph.token_places(tokenizer, code, classifier.card.data_flow, count), list(range(1, count + 1))
    encoded = tokenizer(
        code,
        truncation=True,
        max_length=classifier.card.max_length,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )
    special = encoded["special_tokens_mask"]
    tokens = [number for number, is_special in enumerate(special) if not is_special]
    return [encoded["offset_mapping"][number][0] for number in tokens], tokens
