"""Checks that a model folder has all files before anything is loaded; errors name what was found instead."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from transformers import MODEL_MAPPING

from compressor_core.errors import ModelError
from compressor_core.files import checked_path, stand_in
from compressor_core.models.hub import TOKENIZER_FILES
from compressor_core.models.reading import readable
from compressor_core.models.weights import json_object, require_no_code, require_plausible, require_tensors_only

WEIGHTS: Final = "model.safetensors"
_PICKLED: Final = "pytorch_model.bin"
_KINDS: Final = ("model*.safetensors", "pytorch_model*.bin")
_ELSEWHERE: Final = {
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "*.gguf": "llama.cpp",
    "*.onnx": "ONNX Runtime",
}
_ADAPTER: Final = "adapter_config.json"
_WORDS: Final = ("embeddings.word_embeddings.weight", "embeddings.tok_embeddings.weight")


def require_files(folder: Path, *, weights: bool = True) -> None:
    """Raise ModelError, with the remedy, unless `folder` holds a model's files."""
    if not checked_path(folder).is_dir():
        raise ModelError(f"There is no model folder {folder}: check the path.")
    found = _weights(folder)
    if (folder / _ADAPTER).is_file() and not found:
        base = json_object(folder / _ADAPTER).get("base_model_name_or_path") or "another model"
        raise ModelError(
            f"{folder} is an adapter of {base}, no model: load it with peft's AutoPeftModelForSequenceClassification, "
            "save what merge_and_unload() returns, with the tokenizer, and give that folder."
        )
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} has no config.json: a model folder has config.json, weights and a tokenizer.")
    tokenizers = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    for path in (folder / "config.json", *found, *tokenizers):
        if what := _stand_in(path):
            raise ModelError(f"{path} is {what}.")
    if weights:
        _require_weights(folder, found)
    if not tokenizers:
        raise ModelError(f"{folder} has no tokenizer.json: copy the tokenizer that the model was trained with.")
    pieces = all(path.suffix == ".model" for path in tokenizers)
    if pieces and importlib.util.find_spec("sentencepiece") is None:
        raise ModelError(
            f"The tokenizer in {folder} is a SentencePiece model alone ({tokenizers[0].name}), which transformers "
            "reads with the package sentencepiece: run `pip install sentencepiece`, or add its tokenizer.json."
        )
    require_no_code(folder)
    if weights and found[0].suffix == ".bin":
        with readable(folder):
            for path in found:
                require_tensors_only(path)
    require_plausible(folder)


def foreign_root(folder: Path, config: Any) -> str | None:
    """Prefix that another program has put before transformers' names of all weights; None if there is none.

    CodeXGLUE and Compressor save a model inside another, as `encoder.roberta.…`, and DataParallel as `module.…`.
    """
    names = _weight_names(folder)
    roots = (name.removesuffix(words) for name in names for words in _WORDS if name.endswith(words))
    root = next(roots, "")
    return None if root in ("", f"{_base(config)}.") else root


def names_without(root: str, config: Any) -> dict[str, str]:
    """`key_mapping` that restores transformers' names for weights with the prefix `root`."""
    base = f"{_base(config)}."
    return {f"^{re.escape(root.removesuffix(base))}": "" if root.endswith(base) else base}


def _base(config: Any) -> str:
    kind: Any = MODEL_MAPPING[type(config)]
    prefix: str = (kind[0] if isinstance(kind, tuple) else kind).base_model_prefix
    return prefix


def _weights(folder: Path) -> list[Path]:
    """Weight files, in one format."""
    return next((found for kind in _KINDS if (found := sorted(folder.glob(kind)))), [])


def _stand_in(path: Path) -> str | None:
    with path.open("rb") as file:
        return stand_in(file.read(200))


def _require_weights(folder: Path, found: list[Path]) -> None:
    if not found:
        other = next((name for kind, name in _ELSEWHERE.items() if any(folder.glob(kind))), None)
        if other is not None:
            raise ModelError(
                f"{folder} has weights for {other} alone: get the model's {WEIGHTS}, or save them for PyTorch there."
            )
        raise ModelError(f"{folder} has no {WEIGHTS}: copy the whole model folder, weights included.")
    whole = WEIGHTS if found[0].suffix == ".safetensors" else _PICKLED
    if (folder / whole).is_file():
        return
    index = folder / f"{whole}.index.json"
    shards = json_object(index).get("weight_map")
    if not isinstance(shards, dict):
        raise ModelError(f"{folder} has weights in parts and no {index.name} that says where each is: copy it too.")
    if absent := sorted({str(name) for name in shards.values() if not (folder / str(name)).is_file()}):
        raise ModelError(f"{folder} lacks {absent[0]}, a part of its weights: copy all of them.")


def _weight_names(folder: Path) -> Iterable[str]:
    names: list[str] = []
    for path in _weights(folder):
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                names += file.keys()
        else:
            names += torch.load(path, map_location="meta", weights_only=True)
    return names
