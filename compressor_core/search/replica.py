"""A search as one JSON object that repeats it: the settings, what came out, and a fingerprint of the way there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from compressor_core import __version__
from compressor_core.architecture import GENES
from compressor_core.errors import CompressorError
from compressor_core.search.genetic import SearchSettings, evolve

FORMAT: Final = 1


@dataclass(frozen=True)
class Repeat:
    """What came of repeating a search."""

    same: bool
    """Whether it visited the same architectures, bred from the same parents, in every generation."""
    generations: int
    """Generations that were compared, the first, random one included."""
    trajectory: str
    """The fingerprint of the repeated search."""


def replica(config: SearchSettings, records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A search so far, as plain values for JSON.

    Raises CompressorError if the records hold no generation.
    """
    generations = [record for record in records if record["type"] == "generation"]
    if not generations:
        raise CompressorError("The search has no generation yet, so there is nothing to repeat: wait for the first.")
    return {
        "format": FORMAT,
        "program": __version__,
        "config": config.to_dict(),
        "generations": len(generations),
        "best": generations[-1]["best"],
        "trajectory": trajectory(generations),
    }


def trajectory(records: Iterable[Mapping[str, Any]]) -> str:
    """The SHA-256 of the way of a search: of every generation its survivors, their parents and their genes.

    Whole numbers only, so that it is the same on every machine and every version of Python.
    """
    digest = hashlib.sha256()
    for record in records:
        if record["type"] == "generation":
            survivors = [
                [each["id"], list(each["parents"]), [each[gene] for gene in GENES]] for each in record["individuals"]
            ]
            digest.update(json.dumps([record["generation"], survivors]).encode())
    return digest.hexdigest()


def config_of(values: Any) -> SearchSettings:
    """The settings in a replica, once it is known to be one.

    Raises CompressorError if `values` is not what `replica` returns, or comes from a later version.
    """
    kinds = {"format": int, "config": dict, "generations": int, "trajectory": str}
    if not isinstance(values, dict) or not all(isinstance(values.get(key), kind) for key, kind in kinds.items()):
        raise CompressorError(
            "This is not the JSON of a search: choose a file that the page Search has written, with the keys "
            f"{', '.join(kinds)}."
        )
    if values["format"] != FORMAT:
        raise CompressorError(
            f"This JSON of a search has format {values['format']}, and this version of the program reads {FORMAT}: "
            "install the version that wrote it."
        )
    best, whole = values.get("best"), isinstance(values.get("program"), str)
    if best is not None:
        sizes = [best.get(key) for key in ("paper_gflops", "size_mb")] if isinstance(best, dict) else [None]
        whole = whole and all(isinstance(size, int | float) for size in sizes)
    if not whole:
        raise CompressorError("This JSON of a search was changed: take the file as the page Search has written it.")
    try:
        return SearchSettings.from_dict(values["config"])
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise CompressorError(
            f"The settings in this JSON of a search cannot be read ({error}): take the file as the page Search has "
            "written it."
        ) from error


def repeat(values: Any) -> Repeat:
    """Runs the search of a replica again, as far as that one went, and compares the two.

    Raises CompressorError as `config_of` does.
    """
    config = config_of(values)
    generations = []
    for generation in evolve(config):
        generations.append(generation.to_dict())
        if len(generations) >= values["generations"]:
            break
    found = trajectory(generations)
    return Repeat(same=found == values["trajectory"], generations=len(generations), trajectory=found)
