"""What architectures cost, and which are best: the verbs that train nothing."""

from __future__ import annotations

import argparse
import time
from typing import Any

from compressor_core.cli.options import configured, latency_model, read_json, run_store, space_of
from compressor_core.cli.progress import Progress, follow
from compressor_core.errors import DataError

Record = dict[str, Any]


def cost(options: argparse.Namespace) -> Record:
    from compressor_core.architecture import Architecture
    from compressor_core.cost import cost
    from compressor_core.task import PairFeatures, Task

    architecture = Architecture(
        options.vocab_size,
        options.hidden_size,
        options.num_layers,
        options.num_heads,
        options.intermediate_size,
    )
    task = Task(options.task)
    features = PairFeatures(options.pair_features)
    return {
        **architecture.to_dict(),
        "task": task.value,
        "sequence_length": options.sequence_length,
        **cost(architecture, task, features, sequence_length=options.sequence_length).to_dict(),
    }


def search(options: argparse.Namespace) -> Record:
    from compressor_core.search import SearchSettings, search_records, search_summary
    from compressor_core.search.replica import config_of, trajectory

    replica: Record | None = None
    if options.config is None:
        config = configured(SearchSettings, options, space=space_of(options.space), latency=latency_model(options))
    else:
        replica = read_json(options.config, "the JSON of a search, as the page Search has written it")
        config = config_of(replica)
    start = time.perf_counter()
    records = []
    with Progress(options) as progress:
        for record in search_records(config):
            records.append(record)
            if record["type"] == "generation":
                best = record["best"]
                fitness = f"best {best['fitness']:.4f}" if best else "nothing fits yet"
                progress.show(
                    record["generation"] / config.generations, f"generation {record['generation']}, {fitness}"
                )
    summary = {**search_summary(records), "seconds": time.perf_counter() - start}
    if replica is None:
        return summary
    generations = [record for record in records if record["type"] == "generation"][: replica["generations"]]
    return {**summary, "same_trajectory": trajectory(generations) == replica["trajectory"]}


def calibrate(options: argparse.Namespace) -> Record:
    from compressor_core.evaluate.calibration import calibrate
    from compressor_core.evaluate.design import CalibrationSettings

    config = configured(CalibrationSettings, options)
    with Progress(options) as progress:
        return follow(calibrate(config), progress)


def sweep(options: argparse.Namespace) -> Record:
    from compressor_core.search import SearchSettings
    from compressor_core.search.sweep import PAPER_BUDGETS_MB, Over, SweepSettings, budgets_between, sweep_records

    over = Over(options.over)
    count = options.seeds if options.seeds is not None else 20 if over is Over.SEED else 0
    search = configured(
        SearchSettings,
        options,
        # Over budgets, the largest stands for all until each takes its place.
        budget_mb=options.budget_mb if over is Over.SEED else max(options.to_mb, *PAPER_BUDGETS_MB),
        space=space_of(options.space),
        operators=options.operators[0],
    )
    config = SweepSettings(
        search=search,
        over=over,
        seeds=tuple(range(options.seed, options.seed + count)),
        budgets=budgets_between(options.from_mb, options.to_mb, options.budgets) if over is Over.BUDGET else (),
        operators=tuple(options.operators),
    )
    with Progress(options) as progress:
        return follow(sweep_records(config), progress)


def tradeoff(options: argparse.Namespace) -> Record:
    from compressor_core.search.pareto import tradeoff_records, tradeoff_summary
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
    }
    if unknown := [name for name in objectives if name not in names]:
        raise DataError(f"there is no objective {unknown[0]!r}: choose two or three of {', '.join(names)}")
    config = configured(
        TradeoffSettings,
        options,
        objectives=tuple(names[name] for name in objectives),
        limits={quantity: limit for quantity, limit in limits.items() if limit is not None},
        space=space_of(options.space),
        latency=latency_model(options),
        students=_students(options) if "accuracy" in objectives or options.min_accuracy is not None else (),
    )
    start = time.perf_counter()
    records = []
    with Progress(options) as progress:
        for record in tradeoff_records(config):
            records.append(record)
            if record["type"] == "generation":
                number = record["generation"]
                progress.show(
                    number / config.generations, f"generation {number}, {record['share']:.2%} of the true hypervolume"
                )
    return {**tradeoff_summary(records), "seconds": time.perf_counter() - start}


def _students(options: argparse.Namespace) -> Any:
    """The measured students of the dataset, among the runs of the app."""
    from compressor_core.runs.library import measured_students
    from compressor_core.task import PairFeatures, Task

    found = measured_students(run_store(), Task(options.task), PairFeatures(options.pair_features))
    return found.get(options.dataset, ())
