"""In which of their settings searches differ."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from compressor_core.figures.search.info import GENE_TITLES
from compressor_core.figures.words.forms import gene_text

_SETTINGS: Final[Mapping[str, str]] = {
    "budget_mb": "Budget (MB)",
    "constraint": "How the budget binds",
    "goal": "Goal",
    "max_latency_ms": "Longest latency (ms)",
    "min_gflops": "Least GFLOPs",
    "operators": "Operators",
    "seed": "Seed",
    "population": "Population",
    "generations": "Generations",
    "crossover_rate": "Crossover rate",
    "mutation_rate": "Mutation rate",
    "task": "Task",
    "pair_features": "Head for pairs",
    "latency": "Latency model",
}


def difference_rows(
    configs: Sequence[Mapping[str, Any]], titles: Sequence[str], *, every: bool = False
) -> list[dict[str, str]]:
    """The settings in which searches differ, one row each with a column per run; with `every`, all settings.

    The search space counts gene by gene, and a latency model as one value.
    """
    told = [_settings(config) for config in configs]
    names = list(dict.fromkeys(name for settings in told for name in settings))
    rows = []
    for name in names:
        values = [settings.get(name, "–") for settings in told]
        if every or len(set(values)) > 1:
            rows.append({"Setting": name, **dict(zip(titles, values, strict=True))})
    return rows


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings by their titles, as text: those with a title first."""
    space = config.get("space") or {}
    others = [name for name in config if name not in _SETTINGS and name != "space"]
    return {
        **{title: _text(name, config[name]) for name, title in _SETTINGS.items() if name in config},
        **{f"Space: {title}": gene_text(space[gene]) for gene, title in GENE_TITLES.items() if gene in space},
        **{name: _text(name, config[name]) for name in others},
    }


def _text(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    if name == "latency":
        # Two calibrations of the same runtime are two models: a checksum tells them apart.
        digest = f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"[:4]
        return f"{value.get('runtime', 'calibrated')}, {value.get('task', '')} (#{digest})"
    return str(value)
