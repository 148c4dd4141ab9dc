"""Verbs for the cost of architectures and the search for them, without training."""

from __future__ import annotations

import argparse
from typing import Any

from compressor_core.cli.fields import from_options
from compressor_core.cli.options import given_space, latency_model, read_json, run_store
from compressor_core.cli.progress import finished, shown
from compressor_core.errors import DataError

Record = dict[str, Any]


def cost(options: argparse.Namespace) -> Record:
    from compressor_core.architecture import Architecture
    from compressor_core.cost import cost
    from compressor_core.search.settings import ModelSettings

    architecture = Architecture(
        options.vocab_size,
        options.hidden_size,
        options.num_layers,
        options.num_heads,
        options.intermediate_size,
    )
    model = from_options(ModelSettings, options)
    return {
        **architecture.to_dict(),
        "task": model.task.value,
        "sequence_length": options.sequence_length,
        **cost(architecture, model.task, model.pair_features, sequence_length=options.sequence_length).to_dict(),
    }


def search(options: argparse.Namespace) -> Record:
    from compressor_core.records import Generation
    from compressor_core.search import SearchSettings, search
    from compressor_core.search.replica import Replica

    known: Replica | None = None
    if options.config is None:
        settings = from_options(SearchSettings, options, **given_space(options), latency=latency_model(options))
    else:
        known = Replica.model_validate(read_json(options.config, "the JSON of a search, as the page Search writes it"))
        settings = known.config
    records: list[Any] = []
    summary = shown(search(settings), records.append)
    generations = [record for record in records if isinstance(record, Generation)]
    found = {"best": None, "optimum": None, "gap": None, **summary.plain()}
    return found if known is None else {**found, "same_trajectory": known.is_of(generations)}


def sweep(options: argparse.Namespace) -> Record:
    from compressor_core.search import SearchSettings
    from compressor_core.search.sweep import PAPER_BUDGETS_MB, Over, SweepSettings, budgets_between, sweep

    over = Over(options.over)
    count = options.seeds if options.seeds is not None else 20 if over is Over.SEED else 0
    seed = getattr(options, "seed", 0)
    # For a sweep over budgets, the largest is a placeholder, later replaced by each budget.
    budget = options.budget_mb if over is Over.SEED else max(options.to_mb, *PAPER_BUDGETS_MB)
    own = {"budget_mb": budget, "operators": options.operators[0], **given_space(options)}
    settings = SweepSettings(
        search=from_options(SearchSettings, options, **own),
        over=over,
        seeds=tuple(range(seed, seed + count)),
        budgets=budgets_between(options.from_mb, options.to_mb, options.budgets) if over is Over.BUDGET else (),
        operators=tuple(options.operators),
    )
    return finished(sweep(settings)).plain()


def tradeoff(options: argparse.Namespace) -> Record:
    from compressor_core.search.pareto import tradeoff
    from compressor_core.search.quantities import Quantity
    from compressor_core.search.tradeoff import TradeoffSettings

    names = {each.name.lower(): each for each in Quantity}
    objectives = [name.strip() for name in options.objectives.split(",")]
    limits = {
        Quantity.SIZE: options.budget_mb,
        Quantity.GFLOPS: options.min_gflops,
        Quantity.LATENCY: options.max_latency_ms,
        Quantity.PARAMETERS: options.max_parameters,
        Quantity.ACCURACY: options.min_accuracy,
        Quantity.FLIPS: options.max_flips,
    }
    if unknown := [name for name in objectives if name not in names]:
        raise DataError(f"there is no objective {unknown[0]!r}: choose two or three of {', '.join(names)}")
    limits = {quantity: limit for quantity, limit in limits.items() if limit is not None}
    chosen = tuple(names[name] for name in objectives)
    settings = from_options(
        TradeoffSettings,
        options,
        objectives=chosen,
        limits=limits,
        **given_space(options),
        latency=latency_model(options),
        students=_students(options) if any(one.measured for one in (*limits, *chosen)) else (),
    )
    return finished(tradeoff(settings)).plain()


def _students(options: argparse.Namespace) -> Any:
    """Measured students of the dataset, from the runs of the app."""
    from compressor_core.runs.library import measured_students
    from compressor_core.search.settings import ModelSettings

    model = from_options(ModelSettings, options, latency=None)
    return measured_students(run_store(), model.task, model.pair_features).get(options.dataset, ())
