"""Time and memory of a fresh process up to its first answer.

`python -m compressor_core.evaluate.cold_start` is that process. It reads its task from standard input, and imports
nothing before it has read the clock. With PyTorch, it loads a model folder as this program does. With ONNX Runtime, it
needs an ONNX file and a `tokenizer.json`, but neither PyTorch nor transformers. A model that reads data flow needs this
program in both cases, to extract it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from compressor_core.records import Start

_IMPORT_ROOT = Path(__file__).resolve().parents[2]
_LONGEST = 600
"""Time limit of such a process in seconds."""


def cold_start(
    model: Path, codes: Sequence[str], *, max_length: int, threads: int = 1, tokenizer: Path | None = None
) -> Start:
    """Start a process that answers once and ends.

    `model` is a model folder, run in PyTorch, or an ONNX file with its `tokenizer`. With data flow, `tokenizer` is the
    model folder. `codes` are the functions of one example, which the process tokenizes itself.

    Raises:
        TrainingError: the process ended without an answer.
    """
    # Imported here, because the fresh process imports this module and should load only what it needs.
    from compressor_core.bundled import model_folder
    from compressor_core.errors import TrainingError
    from compressor_core.records import Start

    task = {
        "model": str(model_folder(model).absolute()),
        "tokenizer": None if tokenizer is None else str(tokenizer.absolute()),
        "codes": list(codes),
        "max_length": max_length,
        "threads": threads,
    }
    command = [sys.executable, "-m", "compressor_core.evaluate.cold_start"]
    own = {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(_IMPORT_ROOT), "HF_HUB_OFFLINE": "1"}
    try:
        given = json.dumps({**task, "started": time.time()}).encode()
        done = subprocess.run(command, input=given, capture_output=True, timeout=_LONGEST, env={**os.environ, **own})
        if done.returncode == 0:
            return Start.model_validate_json(done.stdout.splitlines()[-1])
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[-1][:200] if said else f"exit code {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    raise TrainingError(
        f"a fresh process ended without an answer of {model} ({reason}): free some memory and measure again"
    )


def _answer(task: Mapping[str, Any]) -> dict[str, Any]:
    """Work of the fresh process."""
    predict = _onnx if task["tokenizer"] is not None else _pytorch
    return predict(task, _Clock(task["started"]))


class _Clock:
    """Seconds between laps, by name, and resident memory at the first lap."""

    def __init__(self, started: float) -> None:
        self._at = started  # by a clock shared by both processes
        self.times: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.time()
        self.times[name], self._at = max(now - self._at, 0.0), now


def _onnx(task: Mapping[str, Any], clock: _Clock) -> dict[str, Any]:
    import numpy as np
    import onnxruntime

    folder = Path(task["tokenizer"])
    if folder.is_dir():
        from compressor_core.export.data_flow import reader
    else:
        from tokenizers import Tokenizer
    imported = _resident()
    clock.lap("imports")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task["threads"]
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(task["model"], options, providers=["CPUExecutionProvider"])
    if folder.is_dir():
        read = reader(folder)
    else:
        tokenizer = Tokenizer.from_file(task["tokenizer"])
        tokenizer.no_padding()
        tokenizer.enable_truncation(task["max_length"])

        def read(codes: Sequence[str]) -> list[NDArray[Any]]:
            ids = [np.array([tokenizer.encode(code).ids], np.int64) for code in codes]
            return [array for one in ids for array in (one, np.ones_like(one))]

    names = [given.name for given in session.get_inputs()]
    clock.lap("load")
    arrays = read(task["codes"])
    logits = session.run(None, dict(zip(names, arrays, strict=True)))[0]
    clock.lap("first")
    return {**clock.times, "label": int(logits.argmax()), "imports_mb": imported, "peak_mb": _peak()}


def _pytorch(task: Mapping[str, Any], clock: _Clock) -> dict[str, Any]:
    import torch

    from compressor_core.models.classifier import load

    imported = _resident()
    clock.lap("imports")
    torch.set_num_threads(task["threads"])
    classifier = load(task["model"])
    clock.lap("load")
    label = int(classifier.logits([tuple(task["codes"])]).argmax())
    clock.lap("first")
    return {**clock.times, "label": label, "imports_mb": imported, "peak_mb": _peak()}


def _resident() -> float:
    """Resident memory of this process in 10^6 bytes, or its peak so far if the system reports only that."""
    found = _status("VmRSS")
    return _peak() if found is None else found


def _peak() -> float:
    """Peak resident memory of this process so far, in 10^6 bytes."""
    # On Linux, getrusage inherits the peak of the parent process; VmHWM is this process's own.
    if (found := _status("VmHWM")) is not None:
        return found
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _status(name: str) -> float | None:
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            line = next(line for line in file if line.startswith(f"{name}:"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(_answer(json.loads(sys.stdin.read()))))
