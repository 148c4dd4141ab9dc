"""Token-counting baselines, which a model of code must beat to have learned more than which words occur.

Tokens are words and single symbols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from compressor_core.data.clones import overlap, tokens
from compressor_core.data.dataset import Example

PENALTY = 1e-4
"""L2 penalty, relative to the mean loss; a fifth of it gains 0.3 points of test accuracy, ten times loses 6."""
STEPS = 100
"""Maximum number of L-BFGS steps; more change nothing."""


class BagOfTokens:
    """Logistic regression on the set of tokens in a function."""

    def __init__(self, examples: Sequence[Example]) -> None:
        """Learn from labelled functions; tokens that occur in only one function are ignored."""
        from scipy.optimize import minimize

        counts = Counter(token for example in examples for token in tokens(example.codes[0]))
        # Sorted: the order of columns rounds the sums, and that of a set is another in each process.
        self._columns = {token: column for column, token in enumerate(sorted(t for t, n in counts.items() if n > 1))}
        features = self._features([example.codes[0] for example in examples])
        signs = np.array([2 * example.label - 1 for example in examples])

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            margins = signs * (features @ weights[:-1] + weights[-1])
            pulls = -signs * np.exp(-np.logaddexp(0, margins)) / len(signs)
            slope = np.append(features.T @ pulls + 2 * PENALTY * weights[:-1], pulls.sum())
            return float(np.logaddexp(0, -margins).mean() + PENALTY * weights[:-1] @ weights[:-1]), slope

        start = np.zeros(len(self._columns) + 1)
        self._weights = minimize(loss, start, method="L-BFGS-B", jac=True, options={"maxiter": STEPS}).x

    def predict(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """Class numbers (n,)."""
        scores = self._features([example.codes[0] for example in examples]) @ self._weights[:-1] + self._weights[-1]
        found: NDArray[np.int64] = (scores > 0).astype(np.int64)
        return found

    def _features(self, codes: Sequence[str]):  # type: ignore[no-untyped-def]  # scipy has no types
        from scipy.sparse import csr_array

        rows = [sorted({self._columns[t] for t in tokens(code) if t in self._columns}) for code in codes]
        ends = np.cumsum([0, *map(len, rows)])
        columns = np.array([column for row in rows for column in row], np.int64)
        return csr_array((np.ones(len(columns)), columns, ends), shape=(len(rows), len(self._columns)))


class TokenOverlap:
    """Calls two functions clones if they share enough tokens (Jaccard); the threshold is best on the training pairs."""

    def __init__(self, examples: Sequence[Example]) -> None:
        """Learn the threshold from labelled pairs."""
        similarity, labels = _overlaps(examples), np.array([example.label for example in examples])
        order = np.argsort(-similarity)
        # Calling the n most similar pairs clones is right for clones among them and for non-clones among the rest.
        right = np.append(0, np.cumsum(2 * labels[order] - 1))
        best = int(right.argmax())
        self.threshold = float(similarity[order][best - 1]) if best else 1.1

    def predict(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """Class numbers (n,)."""
        found: NDArray[np.int64] = (_overlaps(examples) >= self.threshold).astype(np.int64)
        return found


def _overlaps(examples: Sequence[Example]) -> NDArray[np.float64]:
    return np.array([overlap(*map(tokens, example.codes)) for example in examples])
