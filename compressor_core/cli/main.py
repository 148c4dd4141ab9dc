"""Command line: runs a verb and prints its result or error. Verbs and options are in `cli/parser.py`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from compressor_core import cli as verbs
from compressor_core.cli.options import checkpoint_beside
from compressor_core.cli.parser import parser
from compressor_core.distill import processes
from compressor_core.errors import CompressorError, SettingsError, TrainingError
from compressor_core.files import storage_error
from compressor_core.threads import yield_when_idle


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Exit codes: 0 done, 1 the work failed, 2 bad usage or bad input, 130 interrupted.

    A result with `ok: false` (from `doctor`) is printed as usual, but counts as failed.
    """
    yield_when_idle()
    _never_choke()
    options = None
    try:
        options = parser(_command()).parse_args(arguments)
        if processes.launched() and options.verb not in (verbs.train_teacher, verbs.distill):
            raise SettingsError("several processes are for train-teacher and distill: start this one without torchrun")
        with processes.joined(getattr(options, "device", None)):
            # Output of libraries must not mix with the JSON object.
            with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
                result = options.verb(options)
            if options.json:
                print(json.dumps(result, allow_nan=False))
            else:
                print(_readable(result))
        return 0 if result.get("ok", True) else 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    except TrainingError as error:
        return _fail(error, 1)
    except CompressorError as error:
        return _fail(error, 2)
    except KeyboardInterrupt:
        kept = options is not None and hasattr(options, "resume") and checkpoint_beside(options.out).is_file()
        return _fail("interrupted" + "; the same command with --resume goes on from its checkpoint" * kept, 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("COMPRESSOR_DEBUG"):
            raise
        if isinstance(error, OSError) and error.filename:  # path too long, no permission
            return _fail(storage_error(error, Path(str(error.filename)), action="use"), 2)
        return _fail(f"{type(error).__name__}: {error} (set COMPRESSOR_DEBUG=1 to see where)", 1)


def _command() -> str:
    """Command as the user typed it."""
    name = Path(sys.argv[0]).stem
    return name if name == "compressor" else "python -m compressor_core"


def _never_choke() -> None:
    """Let consoles print characters that they cannot show as escapes, since labels and names may be in any script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _fail(message: object, code: int) -> int:
    return processes.report(code, "error: " + " ".join(str(message).split()))


def _readable(result: Mapping[str, Any]) -> str:
    """Format a result as an aligned table, with lists of records as separate tables."""
    import pandas as pd

    width = shutil.get_terminal_size((120, 40)).columns
    rows: list[tuple[str, str]] = []
    tables = []
    for key, value in _flat(result):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            frame = pd.DataFrame(value).drop(columns=["result"], errors="ignore")
            tables.append(f"\n{key}\n{frame.to_string(index=False, max_colwidth=60, line_width=width)}")
        elif not isinstance(value, list) or len(value) <= 4:
            rows.append((key, f"{value:,.6g}" if isinstance(value, float) else str(value)))
    longest = max((len(key) for key, _ in rows), default=0)
    return "\n".join([*(f"{key:<{longest}}  {value}" for key, value in rows), *tables])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
