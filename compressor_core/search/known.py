"""Precomputed exact fronts of the named search spaces.

The genes are bundled (`assets/fronts.json`, written by `python -m compressor_core.search.known`); costs are computed,
and a test compares everything with `front.true_front`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from compressor_core.architecture import SPACES, Architecture, SearchSpace
from compressor_core.assets import ASSETS
from compressor_core.cost import Genes
from compressor_core.records import Measured
from compressor_core.search.front import true_front
from compressor_core.search.quantities import Quantity, Yardstick
from compressor_core.task import Task

LARGEST_MB: Final = 60.0
"""Size up to which the fronts are bundled."""
_FILE: Final[Path] = ASSETS / "fronts.json"


@cache
def known_front(space: str, task: Task) -> tuple[Measured, ...]:
    """Front of size and computation of a space in `SPACES`, by rising size, up to `LARGEST_MB`."""
    architectures = [Architecture(*genes) for genes in json.loads(_FILE.read_text("utf-8"))[space][task]]
    return measured(architectures, Yardstick(task))


def measured(architectures: Sequence[Architecture], yardstick: Yardstick) -> tuple[Measured, ...]:
    """Architectures with their costs; the latency only with a latency model."""
    genes = Genes.of(architectures)
    wanted = [Quantity.SIZE, Quantity.GFLOPS, Quantity.PARAMETERS]
    wanted += [Quantity.LATENCY] if yardstick.latency else []
    columns = {str(quantity): yardstick.measure(quantity, genes).tolist() for quantity in wanted}
    return tuple(
        Measured(**one.to_dict(), feasible=True, **{name: column[at] for name, column in columns.items()})
        for at, one in enumerate(architectures)
    )


def computed(space: SearchSpace, task: Task) -> list[tuple[int, ...]]:
    """Genes of the front, by enumeration."""
    objectives = (Quantity.SIZE, Quantity.GFLOPS)
    front = true_front(space, objectives, Yardstick(task), {Quantity.SIZE: LARGEST_MB})
    return [tuple(int(gene[at]) for gene in front.genes) for at in range(len(front))]


if __name__ == "__main__":
    fronts = {name: {str(task): computed(make(), task) for task in Task} for name, make in SPACES.items()}
    _FILE.write_text(json.dumps(fronts, separators=(",", ":")) + "\n", "utf-8")
