"""How a verb tells how far it is, on standard error."""

from __future__ import annotations

import argparse
import sys
from typing import TypeVar

from compressor_core import records
from compressor_core.progress import finish

T = TypeVar("T")


class Progress:
    """A bar on standard error; silent where nobody watches, except for whole lines."""

    def __init__(self, options: argparse.Namespace) -> None:
        from tqdm import tqdm

        form = "{percentage:3.0f}%|{bar}| {elapsed} {postfix}"
        self._bar = tqdm(total=1.0, file=sys.stderr, bar_format=form, disable=not sys.stderr.isatty(), leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, record: records.Record) -> None:
        """Show a record: how far the work is in the bar, everything else as its line."""
        if isinstance(record, records.Progress):
            if record.fraction is not None:
                self._bar.n = min(record.fraction, 1.0)
            self._bar.set_postfix_str(record.message)
        elif record.line is not None:
            self._bar.write(record.line, file=sys.stderr)


def finished(work: records.Work[T], options: argparse.Namespace) -> T:
    """Run a core loop to its end under a bar."""
    with Progress(options) as progress:
        return finish(work, progress)
