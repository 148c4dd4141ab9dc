"""Checks of weight files before anything is loaded from them.

A state dict in PyTorch's format is a pickle. Even one restricted to the calls that build tensors can allocate any
amount of memory: by calling `bytearray`, by tensors a thousand times larger than their data in the file, or by
compressed archives. A config.json of one line can require any number of layers. Legitimate files do neither.
"""

from __future__ import annotations

import codecs
import json
import pickle
import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, cast

from compressor_core.errors import ModelError
from compressor_core.files import stand_in

_CALLED: Final = re.compile(
    r"collections OrderedDict|torch._utils _rebuild_(tensor_v2|tensor|parameter)|torch \w+Storage"
    r"|torch.storage \w+Storage|torch (float|double|half|bfloat16|long|int)\w*|torch Size"
)
"""Names allowed in the pickle of a plain state dict, a small part of those that `torch.load` allows."""
_PICKLES: Final = 5
"""Pickles in a file of the old format: magic number, version, machine, state dict, storages."""
_LONGEST_PICKLE: Final = 50_000_000
_MOST: Final = 10_000_000
"""Upper limit of the numbers in an encoder's config.json."""
_MOST_LAYERS: Final = 1_000
_WRAPPERS: Final = ("state_dict", "model_state_dict", "model")
"""Keys under which trainers keep a state dict in their checkpoints."""
_WIDTHS: Final = ("hidden_size", "dim", "d_model", "n_embd")
_LAYERS: Final = ("num_hidden_layers", "n_layers", "num_layers", "n_layer")
_BINARY: Final = (".safetensors", ".bin", ".model")
"""Suffixes of weights and of SentencePiece models, none of which is ever a text."""
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def require_tensors_only(path: Path) -> None:
    """Raise ModelError unless a file in PyTorch's format is a state dict no larger than the file.

    Raises OSError, UnpicklingError or ValueError for a damaged file.
    """
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            for _ in range(_PICKLES):
                _require_plain(file, path)
            return
        with zipfile.ZipFile(file) as archive:
            records = archive.infolist()
            packed = any(record.compress_type != zipfile.ZIP_STORED for record in records)
            if packed or sum(record.file_size for record in records) > path.stat().st_size:
                raise ModelError(f"{path} is a packed archive, which PyTorch never writes: get the weights again.")
            for record in records:
                if record.filename.endswith(".pkl"):
                    with archive.open(record) as part:
                        _require_plain(part, path)


class _Limited:
    """A file that reads no more at once than a pickle may have, however much a damaged one claims."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.readline, self.tell = file, file.readline, file.tell

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, _LONGEST_PICKLE))


def _require_plain(file: IO[bytes], path: Path) -> None:
    """Read one pickle without executing it."""
    start = file.tell()
    for code, argument, _ in pickletools.genops(cast("IO[bytes]", _Limited(file))):
        if file.tell() - start > _LONGEST_PICKLE:
            raise ModelError(f"{path} holds more than tensors and their names: get the weights again.")
        named = code.name in ("GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4")
        if named and not (code.name == "GLOBAL" and _CALLED.fullmatch(str(argument))):
            raise pickle.UnpicklingError(f"{path} names {argument}")


def require_no_code(folder: Path) -> None:
    """Raise ModelError if the tokenizer of a model folder needs code that comes with it.

    Code named in a config.json is never run either: transformers is told not to, and uses its own architectures.
    """
    if json_object(folder / "tokenizer_config.json").get("auto_map"):
        raise ModelError(
            f"The tokenizer in {folder} needs code of its own, which is never run (auto_map in tokenizer_config.json): "
            "choose a model whose tokenizer transformers has itself."
        )


def json_object(path: Path) -> dict[str, Any]:
    """JSON object in a file of a model folder; empty if there is none."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def bare(state: Any) -> Any:
    """State dict inside a training checkpoint; anything else unchanged."""
    inner = (state.get(key) for key in _WRAPPERS) if isinstance(state, Mapping) else ()
    return next((value for value in inner if isinstance(value, Mapping)), state)


def require_itself(path: Path) -> None:
    """Raise ModelError if something else is in the place of a file: a Git LFS pointer, or a server's answer."""
    with path.open("rb") as file:
        start = file.read(400)
    what = stand_in(start)
    if what is None and path.suffix in _BINARY and (text := _text(start)) is not None:
        line = next(iter(text.strip().splitlines()), "")[:80]
        what = f"a text ({line!r}), not the file itself: download it again" if line else "empty: download it again"
    if what is not None:
        raise ModelError(f"{path} is {what}.")


def _text(start: bytes) -> str | None:
    """The `start` of a file if it is a text; None if it is not."""
    encoding = "utf-16" if start.startswith(_UTF_16) else "utf-8-sig"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start)  # which may end within a character
    except UnicodeDecodeError:
        return None
    return text if all(character.isprintable() or character.isspace() for character in text) else None


def require_floats(folder: Path) -> None:
    """Raise ModelError if the weights are quantised, by config.json."""
    quantised = json_object(folder / "config.json").get("quantization_config")
    if quantised:
        method = quantised.get("quant_method") if isinstance(quantised, dict) else None
        raise ModelError(
            f"The weights in {folder} are quantised ({method or 'quantization_config in config.json'}), and this "
            "program reads floating-point ones: give the model before it was quantised, or save what transformers' "
            "dequantize() returns."
        )


def require_whole(state: Mapping[str, Any], path: Path) -> None:
    """Raise ModelError if tensors claim to be larger than their file."""
    if sum(value.numel() * value.element_size() for value in state.values()) > path.stat().st_size:
        raise ModelError(f"The tensors of {path} are larger than the file, so it is damaged: get the weights again.")


def require_plausible(folder: Path) -> None:
    """Raise ModelError if config.json describes a model too large for the weights beside it.

    Everything else is checked when the model is built; this check keeps that from taking forever.
    """
    path = folder / "config.json"
    if not (values := json_object(path)):
        raise ModelError(f"{path} is no JSON object: copy the file again.")
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
    for name, value in numbers.items():
        most = _MOST_LAYERS if name in _LAYERS else _MOST
        if not -most <= value <= most:
            raise ModelError(f"{path} says {name} {value!r}, which no model has: restore the file.")
    sizes = [file.stat().st_size for kind in ("*.safetensors", "*.bin") for file in folder.glob(kind)]
    width = next((numbers[name] for name in _WIDTHS if name in numbers), 0)
    table = {"num_labels", "max_position_embeddings", "type_vocab_size"}
    if any("rope" in name or "rotary" in name for name in values) or values.get("position_biased_input") is False:
        table.remove("max_position_embeddings")  # positions are computed, and have no weights
    heads = (numbers.get(name, 0) for name in table)
    largest = max(
        numbers.get("vocab_size", 0) * numbers.get("embedding_size", width),
        width * max(width, numbers.get("intermediate_size", 0), numbers.get("hidden_dim", 0), *heads),
    )
    if sizes and largest > sum(sizes):  # a weight takes at least one byte
        raise ModelError(
            f"The weights in {folder} do not fit its config.json: they have {sum(sizes):,} bytes, and one layer by it "
            f"{largest:,} numbers; copy both files from the same model."
        )
