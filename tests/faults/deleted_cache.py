"""The folder of caches deleted again and again while a student is trained.

What must hold: the training ends, and the student is the same, bit for bit.
"""

from __future__ import annotations

import os
import shutil
import time

from compressor_core.cache import CACHE_VARIABLE
from compressor_core.runs import launch
from tests.faults.harness import Bench
from tests.faults.killed_distillation import check_same, config_in

FAULT = "the cache deleted during a training"


def make(bench: Bench, times: int) -> None:
    config = {**config_in(bench.store.root.parent, 60), "epochs": 2}
    undisturbed = launch(bench.store, "distill", config)
    bench.check_over(undisturbed)
    before = os.environ.get(CACHE_VARIABLE)
    cache = bench.store.root.parent / "cache"
    os.environ[CACHE_VARIABLE] = str(cache)
    try:
        for _ in range(times):
            run = launch(bench.store, "distill", config)
            deleted = 0
            while run.status().live:
                deleted += cache.exists()
                shutil.rmtree(cache, ignore_errors=True)
                time.sleep(bench.rng.uniform(0, 0.002))
            bench.tally.times += 1
            bench.tally.check(deleted > 0, "it was deleted", deleted)
            bench.check_over(run)
            check_same(bench, run, undisturbed)
    finally:
        if before is None:
            del os.environ[CACHE_VARIABLE]
        else:
            os.environ[CACHE_VARIABLE] = before
