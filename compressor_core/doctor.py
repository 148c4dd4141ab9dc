"""Check of the installation: packages, machine, fast paths, bundled models, and folders."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from compressor_core.assets import APP_FOLDER
from compressor_core.errors import CompressorError

PYTHONS = ((3, 11), (3, 13))
"""Oldest and newest tested Python."""
ROOM = 2e9
"""Free bytes below which the check warns: a teacher of CodeBERT's size and its checkpoint take 2 GB."""
OPTIONAL = {"bandit": "bandit", "accelerate": "cluster", "ray": "cluster", "codecarbon": "energy"}
"""Optional packages, each with the extra that installs it."""
_LIST = APP_FOLDER / "requirements.txt"
INSTALL = "pip install -r requirements.txt" if _LIST.is_file() else "pip install --upgrade compressor-studio"


class Health(StrEnum):
    """Severity of a finding."""

    OK = "ok"
    NOTE = "note"
    """Works, but slower or with fewer features than possible."""
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One checked item, what was found, and the remedy if something is wrong."""

    part: str
    name: str
    health: Health
    found: str
    remedy: str = ""


def required() -> list[str]:
    """Requirements of this program, from the checkout or from the installed package."""
    if _LIST.is_file():
        lines = _LIST.read_text("utf-8").splitlines()
        return [line for line in lines if line and not line.startswith(("#", "-"))]
    with suppress(PackageNotFoundError):
        return [line for line in requires("compressor-studio") or () if "extra ==" not in line]
    return []


def examine(requirements: Iterable[str] | None = None) -> Iterator[Finding]:
    """All findings, part by part. Never raises: an error in a part becomes a finding."""
    wanted = required() if requirements is None else requirements
    for part, look in (
        ("packages", lambda: _packages(wanted)),
        ("machine", _machine),
        ("fast path", _fast_paths),
        ("model", _models),
        ("place", _folders),
    ):
        yield from _looked(part, look)


def diagnosis(requirements: Iterable[str] | None = None) -> dict[str, Any]:
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
        yield Finding(part, error.name or "import", Health.WRONG, "cannot be imported", INSTALL)
    except Exception as error:
        yield Finding(part, type(error).__name__, Health.WRONG, "this part cannot be examined", str(error))


def _packages(requirements: Iterable[str]) -> Iterator[Finding]:
    oldest, newest = PYTHONS
    found = ".".join(map(str, sys.version_info[:3]))
    health, remedy = Health.OK, ""
    if sys.version_info[:2] < oldest:
        health, remedy = Health.WRONG, "install Python 3.11, 3.12 or 3.13"
    elif sys.version_info[:2] > newest:
        health, remedy = Health.NOTE, "tested with Python 3.11 to 3.13 only"
    yield Finding("packages", "python", health, found, remedy)
    for line in requirements:
        yield _package(line)
    for name, extra in OPTIONAL.items():
        found = f"absent, optional (extra: {extra})"
        with suppress(PackageNotFoundError):
            found = version(name)
        yield Finding("packages", name, Health.OK, found)


def _package(line: str) -> Finding:
    from packaging.requirements import Requirement

    wanted = Requirement(line)
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return Finding("packages", wanted.name, Health.WRONG, "absent", INSTALL)
    if found not in wanted.specifier:
        return Finding("packages", wanted.name, Health.NOTE, found, f"tested with {wanted.specifier}: {INSTALL}")
    return Finding("packages", wanted.name, Health.OK, found)


def _machine() -> Iterator[Finding]:
    import psutil

    from compressor_core.machine import processor

    memory = psutil.virtual_memory()
    yield Finding("machine", "processor", Health.OK, processor())
    yield Finding("machine", "cores", Health.OK, f"{psutil.cpu_count() or 1} logical")
    yield Finding("machine", "memory", Health.OK, f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB free")
    from compressor_core.models import compute  # imports torch, so it comes last

    chosen = compute.choose()
    yield Finding("machine", "device", Health.OK, f"{compute.device_name(chosen.device)}, trains in {chosen.precision}")


def _fast_paths() -> Iterator[Finding]:
    import onnxruntime
    import torch

    from compressor_core.distill.soft_labels import HALF_FROM
    from compressor_core.evaluate.energy import energy_source
    from compressor_core.export.web_runtime import TARBALL, runtime_kept
    from compressor_core.models import compute

    def found(name: str, well: bool, text: str, remedy: str = "") -> Finding:
        return Finding("fast path", name, Health.OK if well else Health.NOTE, text, remedy if not well else "")

    fused, asleep = torch.backends.mkldnn.is_available(), os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"  # type: ignore[no-untyped-call]
    units = compute.multiplies_bfloat16()
    on = f"on, teachers of {HALF_FROM} dimensions or more label with it"
    bfloat16 = on if units else "no units (AMX or AVX-512 BF16)"
    energy, kept = energy_source(), runtime_kept()
    yield found("vector units", True, torch.backends.cpu.get_cpu_capability())
    yield found("oneDNN", fused, "on" if fused else "off", "this build of PyTorch has no oneDNN: expect slow products")
    yield found("bfloat16 labelling", True, bfloat16)
    yield found(
        "idle threads",
        asleep,
        "sleep" if asleep else "spin",
        "unset OMP_WAIT_POLICY: spinning slows a machine that others use",
    )
    yield found("ONNX Runtime", True, ", ".join(onnxruntime.get_available_providers()))
    yield Finding("fast path", "energy", Health.OK, "counted" if energy.measured else "estimated", energy.reason)
    yield found(
        "page of a bundle",
        kept,
        f"onnxruntime-web is {'' if kept else 'not '}in the cache",
        f"the first bundle downloads it; without a network put {TARBALL} there, see docs/tour.md",
    )


def _models() -> Iterator[Finding]:
    from compressor_core.bundled import bundled_student, bundled_teacher
    from compressor_core.data.registry import TRAINABLE

    for dataset in (info.name for info in TRAINABLE if info.built_in):
        try:
            yield _answer(f"{dataset}, teacher", bundled_teacher(dataset))
        except CompressorError as error:
            yield Finding("model", f"{dataset}, teacher", Health.WRONG, "is not there", str(error))
        if (student := bundled_student(dataset)) is not None:
            yield _answer(f"{dataset}, student", student)


def _answer(name: str, folder: Path) -> Finding:
    """Check that a bundled model loads and answers, not only that its files exist."""
    from compressor_core.evaluate.prediction import predict_once
    from compressor_core.models.classifier import load
    from compressor_core.task import Task

    code = "def area(width, height):\n    return width * height\n"
    try:
        model = load(folder)
        answer = predict_once(model, (code,) * (2 if model.card.task is Task.CLONE else 1))
    except CompressorError as error:
        return Finding("model", name, Health.WRONG, "does not load", str(error))
    encoder: Any = getattr(model.model, "encoder", model.model)  # a model of pairs wraps its encoder
    attention = encoder.config._attn_implementation
    if attention != "sdpa":
        return Finding("model", name, Health.NOTE, f"attention is {attention}", "fused attention (sdpa) is off: slower")
    return Finding("model", name, Health.OK, f"answers in {answer.milliseconds:.1f} ms, fused attention")


def _folders() -> Iterator[Finding]:
    from compressor_core.cache import CACHE_VARIABLE, cache_folder
    from compressor_core.runs import RunStore
    from compressor_core.runs.store import ROOT_VARIABLE

    for name, folder, variable in (
        ("runs", RunStore().root, ROOT_VARIABLE),
        ("caches", cache_folder(), CACHE_VARIABLE),
    ):
        existing = next(each for each in (folder, *folder.parents) if each.exists())
        try:
            with tempfile.TemporaryFile(dir=existing):
                free = shutil.disk_usage(existing).free
        except OSError as error:
            found, remedy = f"cannot be written ({error.strerror})", f"set {variable} to another folder"
            yield Finding("place", name, Health.WRONG, found, remedy)
            continue
        health = Health.OK if free >= ROOM else Health.NOTE
        remedy = "" if free >= ROOM else f"make room, or set {variable} to a folder on another disk"
        yield Finding("place", name, health, f"{folder}: {free / 1e9:.0f} GB free", remedy)
