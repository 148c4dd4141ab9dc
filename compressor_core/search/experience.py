"""Warnings about an architecture before it is trained, based on measurements (docs/results.md)."""

from __future__ import annotations

from typing import Final

from compressor_core.architecture import Architecture
from compressor_core.cost import Genes
from compressor_core.latency_model import LatencyModel
from compressor_core.search.known import known_front
from compressor_core.search.quantities import Quantity, Yardstick
from compressor_core.task import Task

SLOWER: Final = 1.5
"""Ratio to the predicted latency of the classroom space's best of the same size above which a warning is given."""
FEW_TOKENS: Final = 2_000
"""Vocabulary below which students of the vulnerability task learned less in the same time."""


def warnings(architecture: Architecture, task: Task, latency: LatencyModel) -> list[str]:
    """One sentence for each reason against an architecture; most have none."""
    said = []
    yardstick = Yardstick(task, latency=latency)
    size_mb = float(yardstick.measure(Quantity.SIZE, Genes.of([architecture]))[0])
    alike = next((one for one in reversed(known_front("classroom", task)) if one.size_mb <= size_mb), None)
    if alike is not None:
        own, other = (
            float(latency.predict(Genes.of([one]))[0]) for one in (architecture, Architecture.parse(alike.short_form))
        )
        if own > SLOWER * other:
            said.append(
                f"Slow for its size: {own:.1f} ms predicted, {other:.1f} ms for {alike.short_form}, the classroom "
                "space's best of that size."
            )
    if task is Task.VULNERABILITY and architecture.vocab_size < FEW_TOKENS:
        said.append(
            "Few tokens: in equal training, 3 MB students with a vocabulary of 1,000 were right on 81%, with 2,000 on "
            "89% (docs/results, Training objectives)."
        )
    return said
