"""Differences between the settings of searches."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, Final

from compressor_core.figures.search.axes import GENE_TITLES
from compressor_core.figures.words.forms import gene_text
from compressor_core.search.genetic import SearchSettings

_UNITS: Final = {"budget_mb": "Budget (MB)", "max_latency_ms": "Longest latency (ms)", "min_gflops": "Least GFLOPs"}


def difference_rows(
    searches: Sequence[SearchSettings], titles: Sequence[str], *, every: bool = False
) -> list[dict[str, str]]:
    """Settings in which searches differ, one row each with a column per run; with `every`, all settings.

    The search space is compared gene by gene, a latency model as one value.
    """
    rows = [
        {"Setting": name, **dict(zip(titles, texts, strict=True))}
        for name, *texts in zip(
            _settings(searches[0]) if searches else (), *(_settings(each).values() for each in searches), strict=True
        )
    ]
    return [row for row in rows if every or len({row[title] for title in titles}) > 1]


def _settings(search: SearchSettings) -> dict[str, str]:
    """Settings as text, by title; the space last."""
    values = search.model_dump(mode="json")
    space = values.pop("space")
    titles = {name: _UNITS.get(name, name.replace("_", " ").capitalize()) for name in values}
    return {
        **{title: _text(name, values[name]) for name, title in titles.items()},
        **{f"Space: {title}": gene_text(space[gene]) for gene, title in GENE_TITLES.items()},
    }


def _text(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "latency":
        # A checksum distinguishes calibrations of the same runtime.
        digest = f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"[:4]
        return f"{value['runtime']}, {value['task']} (#{digest})"
    return f"{value:g}" if isinstance(value, float) else str(value)
