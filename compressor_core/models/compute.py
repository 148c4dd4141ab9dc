"""Device and precision of a model's computation."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from compressor_core.device import Precision as Precision
from compressor_core.errors import SettingsError


@dataclass(frozen=True)
class Compute:
    """A device and the precision of training on it."""

    device: torch.device
    precision: Precision

    def autocast(self) -> AbstractContextManager[object]:
        """Context of a forward pass."""
        if self.precision is Precision.FLOAT32:
            return nullcontext()
        return torch.autocast(self.device.type, getattr(torch, self.precision.value))

    def to_dict(self) -> dict[str, str]:
        """Plain values, for the card: the kind of device, not its number."""
        return {"device": self.device.type, "precision": self.precision.value}


_MISSING = {
    "cuda": "this machine has no CUDA device that PyTorch can use: leave the device out, or take cpu",
    "mps": "this machine has no Apple GPU that PyTorch can use: leave the device out, or take cpu",
}


def _there(device: str) -> bool:
    return torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()


def best_device() -> torch.device:
    """CUDA if there is one, or an Apple GPU (MPS)."""
    return torch.device(next((device for device in _MISSING if _there(device)), "cpu"))


def device_name(device: torch.device) -> str:
    """Name of a device: a GPU's product name, else its kind."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def choose(device: str | None = None, precision: str | None = None) -> Compute:
    """Choose device and precision; the defaults are CUDA and half precision if available.

    Half precision is never the default on a CPU, where it is slower than float32 with fused attention, or on MPS,
    where it has not been measured.

    Raises:
        SettingsError: the device or precision is not available here.
    """
    if device not in (None, "cpu", *_MISSING):
        raise SettingsError(f"device must be cpu, cuda or mps, not {device!r}")
    if device in _MISSING and not _there(device):
        raise SettingsError(_MISSING[device])
    if precision is not None and precision not in set(Precision):
        raise SettingsError(f"precision must be one of {', '.join(Precision)}, not {precision!r}")
    found = best_device() if device is None else torch.device(device)
    if precision is not None:
        wanted = Precision(precision)
    elif found.type != "cuda":
        wanted = Precision.FLOAT32
    else:
        wanted = Precision.BFLOAT16 if torch.cuda.is_bf16_supported() else Precision.FLOAT16
    if wanted is Precision.FLOAT16 and found.type != "cuda":
        raise SettingsError("float16 can be trained on CUDA only: take float32 or bfloat16")
    return Compute(found, wanted)


def multiplies_bfloat16() -> bool:
    """Whether this CPU has units for bfloat16 matrix products (AMX or AVX-512 BF16), as far as PyTorch can tell."""
    # PyTorch has no public names for this.
    return any(getattr(torch.cpu, f"_is_{units}_supported", bool)() for units in ("amx_tile", "avx512_bf16"))


def out_of_memory(error: BaseException) -> bool:
    """Whether a step failed because its batch did not fit in memory; the error depends on the device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # The allocators of CPUs and Apple GPUs raise a plain RuntimeError.
    return isinstance(error, RuntimeError) and any(
        said in str(error).lower() for said in ("out of memory", "can't allocate memory", "not enough memory")
    )


def free_memory(device: torch.device) -> None:
    """Release the device memory that PyTorch caches; it caches none on a CPU."""
    if device.type != "cpu":
        torch.get_device_module(device).empty_cache()


def random_state(device: torch.device) -> Tensor | None:
    """Random state of a device; None for a CPU, see `torch.get_rng_state`."""
    if device.type == "cpu":
        return None
    state: Tensor = torch.get_device_module(device).get_rng_state()
    return state


def set_random_state(device: torch.device, state: Tensor | None) -> None:
    """Restore what `random_state` returned, on a device of the same kind."""
    if device.type != "cpu" and state is not None:
        torch.get_device_module(device).set_rng_state(state)
