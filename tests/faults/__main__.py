"""`python -m tests.faults [--kills 50] [--seed 0] [--only TEXT]`: the full form of the fault suite, with its counts."""

from __future__ import annotations

import argparse
import os
import sys

from tests.faults.table import FAULTS, lines, run


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="kill -9 of workers and servers, all in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only the faults whose title has this text")
    options = parser.parse_args(arguments)
    os.environ["HF_HUB_OFFLINE"] = "1"
    tallies = []
    for fault in FAULTS:
        if options.only not in fault.title:
            continue
        times = fault.times if fault.share is None else max(1, round(options.kills * fault.share))
        tallies.append(run(fault, times, options.seed))
        print("\n".join(lines(tallies[-1:])[1:-1]), flush=True)
    print("\n" + "\n".join(lines(tallies)))
    return 1 if any(tally.failures for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
