"""Anatomy of an architecture: the size of its blocks, its cost, and the cost of one step of each gene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.cost import MEGABYTE, parts
from compressor_core.errors import ArchitectureError
from compressor_core.records import Measured, Plain
from compressor_core.search.known import measured
from compressor_core.search.quantities import Yardstick


class Step(Plain):
    """Change of the cost when one gene moves by one value: to the next larger, or from the largest to the one below."""

    gene: str
    to: int
    size_mb: float
    paper_gflops: float
    latency_ms: float | None = None


class Anatomy(Plain):
    """One architecture, drawn to scale by its `parts`."""

    architecture: str
    """Short form V,H,L,A,I."""
    parts: dict[str, float]
    """Size of each block in MB; the sum is the size of the file."""
    size_mb: float
    parameters: int
    paper_gflops: float
    latency_ms: float | None = None
    steps: tuple[Step, ...] = ()


def anatomies(
    architectures: Sequence[Architecture], yardstick: Yardstick, space: SearchSpace | None = None
) -> list[Anatomy]:
    """Anatomy of each architecture; with a `space`, also the cost of one step of each gene."""
    steps = [_steps(one, space) if space else {} for one in architectures]
    everyone = [*architectures, *(after for each in steps for after in each.values())]
    known = dict(zip(map(str, everyone), measured(everyone, yardstick), strict=True))
    found = []
    for one, ups in zip(architectures, steps, strict=True):
        here = known[str(one)]
        blocks = parts(one, yardstick.task, yardstick.pair_features)
        found.append(
            Anatomy(
                architecture=str(one),
                parts={name: round(size / MEGABYTE, 6) for name, size in blocks.items()},
                size_mb=here.size_mb,
                parameters=int(here.parameters),
                paper_gflops=here.paper_gflops,
                latency_ms=here.latency_ms,
                steps=tuple(_step(gene, here, known[str(after)]) for gene, after in ups.items()),
            )
        )
    return found


def anatomy(architecture: Architecture, yardstick: Yardstick, space: SearchSpace | None = None) -> Anatomy:
    """As `anatomies`, for one architecture."""
    return anatomies([architecture], yardstick, space)[0]


def _steps(one: Architecture, space: SearchSpace) -> dict[str, Architecture]:
    """Architecture after one step of each gene: the next larger valid value of the space, else the next smaller."""
    found = {}
    for gene in GENES:
        now = getattr(one, gene)
        values = sorted(getattr(space, gene))
        larger, smaller = [each for each in values if each > now], [each for each in values if each < now]
        for value in (*larger, *reversed(smaller)):
            try:
                found[gene] = replace(one, **{gene: value})
            except ArchitectureError:  # the width is not divisible by the heads
                continue
            break
    return found


def _step(gene: str, here: Measured, after: Measured) -> Step:
    slower = None if after.latency_ms is None or here.latency_ms is None else after.latency_ms - here.latency_ms
    return Step(
        gene=gene,
        to=getattr(after, gene),
        size_mb=round(after.size_mb - here.size_mb, 6),
        paper_gflops=round(after.paper_gflops - here.paper_gflops, 6),
        latency_ms=slower,
    )
