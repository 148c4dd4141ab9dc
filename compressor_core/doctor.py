"""What is installed here, what it runs on, which fast paths are on, and whether the bundled models answer."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from compressor_core.errors import CompressorError

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest Python that the program is tested with."""
ROOM = 2e9
"""Bytes free below which the doctor warns: a teacher of CodeBERT's size and its checkpoint take 2 GB."""
OPTIONAL = {"accelerate": "cluster", "ray": "cluster", "codecarbon": "energy"}
"""By package: which requirements-NAME.txt brings it."""


class Health(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    NOTE = "note"
    """It works, slower or with less than it could."""
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, what was found, and, where it is not well, what to do."""

    part: str
    name: str
    health: Health
    found: str
    remedy: str = ""


def examine(requirements: Path = ROOT / "requirements.txt") -> Iterator[Finding]:
    """All findings, part by part. A part that breaks is a finding itself: a doctor does not raise."""
    for part, look in (
        ("packages", lambda: _packages(requirements)),
        ("machine", _machine),
        ("fast path", _fast_paths),
        ("model", _models),
        ("place", _places),
    ):
        yield from _looked(part, look)


def diagnosis(requirements: Path = ROOT / "requirements.txt") -> dict[str, Any]:
    """The findings as plain values: `ok` (nothing is wrong), `remedies` by name, `findings`."""
    findings = list(examine(requirements))
    return {
        "ok": all(finding.health is not Health.WRONG for finding in findings),
        "remedies": {finding.name: finding.remedy for finding in findings if finding.remedy},
        "findings": [
            {key: str(value) for key, value in asdict(finding).items() if key != "remedy"} for finding in findings
        ],
    }


def _looked(part: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except ImportError as error:
        yield Finding(
            part, error.name or "import", Health.WRONG, "cannot be imported", "pip install -r requirements.txt"
        )
    except Exception as error:
        yield Finding(part, type(error).__name__, Health.WRONG, "this part cannot be examined", str(error))


def _packages(requirements: Path) -> Iterator[Finding]:
    (oldest, newest), found = PYTHONS, sys.version_info[:2]
    said = ".".join(map(str, sys.version_info[:3]))
    if found < oldest:
        yield Finding("packages", "python", Health.WRONG, said, "install Python 3.11, 3.12 or 3.13")
    elif found > newest:
        yield Finding("packages", "python", Health.NOTE, said, "tested with Python 3.11 to 3.13 only")
    else:
        yield Finding("packages", "python", Health.OK, said)
    for line in requirements.read_text("utf-8").splitlines():
        if "==" in line and not line.startswith("#"):
            yield _package(line)
    for name, extra in OPTIONAL.items():
        try:
            yield Finding("packages", name, Health.OK, version(name))
        except PackageNotFoundError:
            yield Finding("packages", name, Health.OK, f"absent, optional (requirements-{extra}.txt)")


def _package(line: str) -> Finding:
    from packaging.requirements import Requirement

    wanted = Requirement(line)
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return Finding("packages", wanted.name, Health.WRONG, "absent", "pip install -r requirements.txt")
    if found not in wanted.specifier:
        remedy = f"tested with {wanted.specifier}: pip install -r requirements.txt"
        return Finding("packages", wanted.name, Health.NOTE, found, remedy)
    return Finding("packages", wanted.name, Health.OK, found)


def _machine() -> Iterator[Finding]:
    import psutil

    from compressor_core.machine import processor

    yield Finding("machine", "processor", Health.OK, processor())
    yield Finding("machine", "cores", Health.OK, f"{psutil.cpu_count() or 1} logical")
    memory = psutil.virtual_memory()
    yield Finding("machine", "memory", Health.OK, f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB free")
    from compressor_core.models import compute  # torch: after what can be told without it

    chosen = compute.choose()
    yield Finding("machine", "device", Health.OK, f"{compute.device_name(chosen.device)}, trains in {chosen.precision}")


def _fast_paths() -> Iterator[Finding]:
    import onnxruntime
    import torch

    from compressor_core.evaluate.energy import energy_source
    from compressor_core.export.web_runtime import TARBALL, runtime_kept
    from compressor_core.models import compute

    part = "fast path"
    yield Finding(part, "vector units", Health.OK, torch.backends.cpu.get_cpu_capability())
    if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        yield Finding(part, "oneDNN", Health.OK, "on")
    else:
        yield Finding(part, "oneDNN", Health.NOTE, "off", "this build of PyTorch has no oneDNN: expect slow products")
    amx = "on, teachers of 512 dimensions or more label with it" if compute.multiplies_bfloat16() else "no units (AMX)"
    yield Finding(part, "bfloat16 labelling", Health.OK, amx)
    if os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE":
        yield Finding(part, "idle threads", Health.OK, "sleep")
    else:
        yield Finding(
            part, "idle threads", Health.NOTE, "spin", "unset OMP_WAIT_POLICY: spinning slows a machine that others use"
        )
    yield Finding(part, "ONNX Runtime", Health.OK, ", ".join(onnxruntime.get_available_providers()))
    energy = energy_source()
    yield Finding(part, "energy", Health.OK, "counted" if energy.measured else "estimated", energy.reason)
    if runtime_kept():
        yield Finding(part, "page of a bundle", Health.OK, "onnxruntime-web is in the cache")
    else:
        yield Finding(
            part,
            "page of a bundle",
            Health.NOTE,
            "onnxruntime-web is not in the cache",
            f"the first bundle downloads it; without a network put {TARBALL} there, see README",
        )


def _models() -> Iterator[Finding]:
    from compressor_core.data.registry import DATASETS
    from compressor_core.models.bundled import bundled_student, bundled_teacher

    for dataset in (info.name for info in DATASETS if info.built_in):
        try:
            yield _answer(f"{dataset}, teacher", bundled_teacher(dataset))
        except CompressorError as error:
            yield Finding("model", f"{dataset}, teacher", Health.WRONG, "is not there", str(error))
        if (student := bundled_student(dataset)) is not None:
            yield _answer(f"{dataset}, student", student)


def _answer(name: str, folder: Path) -> Finding:
    """Whether a bundled model loads and answers, which says more than that its files are there."""
    from compressor_core.evaluate.prediction import predict_once
    from compressor_core.models.classifier import load
    from compressor_core.task import Task

    code = "def area(width, height):\n    return width * height\n"
    try:
        model = load(folder)
        said = predict_once(model, (code,) * (2 if model.card.task is Task.CLONE else 1))
    except CompressorError as error:
        return Finding("model", name, Health.WRONG, "does not load", str(error))
    encoder: Any = getattr(model.model, "encoder", model.model)  # of pairs, the part that attends
    attention = encoder.config._attn_implementation
    if attention != "sdpa":
        return Finding("model", name, Health.NOTE, f"attention is {attention}", "fused attention (sdpa) is off: slower")
    return Finding("model", name, Health.OK, f"answers in {said.milliseconds:.1f} ms, fused attention")


def _places() -> Iterator[Finding]:
    from compressor_core.cache import CACHE_VARIABLE, cache_folder
    from compressor_core.runs import RunStore
    from compressor_core.runs.store import ROOT_VARIABLE

    for name, folder, variable in (
        ("runs", RunStore().root, ROOT_VARIABLE),
        ("caches", cache_folder(), CACHE_VARIABLE),
    ):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                free = shutil.disk_usage(there).free
        except OSError as error:
            yield Finding(
                "place",
                name,
                Health.WRONG,
                f"cannot be written ({error.strerror})",
                f"set {variable} to another folder",
            )
            continue
        room = f"{folder}: {free / 1e9:.0f} GB free"
        if free < ROOM:
            yield Finding("place", name, Health.NOTE, room, f"make room, or set {variable} to a folder on another disk")
        else:
            yield Finding("place", name, Health.OK, room)
