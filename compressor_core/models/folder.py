"""Checks that a model folder has all files before anything is loaded; errors name what was found instead."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from safetensors import safe_open
from transformers import MODEL_MAPPING
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

from compressor_core.errors import ModelError
from compressor_core.files import checked_path
from compressor_core.models.card import CARD
from compressor_core.models.hub import PIECES, SMALL_FILES, TOKENIZER_FILES
from compressor_core.models.reading import readable
from compressor_core.models.weights import (
    bare,
    json_object,
    require_floats,
    require_itself,
    require_no_code,
    require_plausible,
    require_tensors_only,
)

WEIGHTS: Final = "model.safetensors"
_PICKLED: Final = "pytorch_model.bin"
_KINDS: Final = ((WEIGHTS, "model-*.safetensors"), (_PICKLED, "pytorch_model-*.bin"))
"""Weight files in one format: whole, or in parts."""
_RENAMED: Final = ("model*.safetensors", "*.safetensors", "model.bin", "*.bin", "*.pt", "*.pth", "*.ckpt")
"""Weight files that other programs write under names of their own."""
_BESIDE_WEIGHTS: Final = re.compile(r"(training_args|optimizer|scheduler|scaler|rng_state|adapter|pytorch_adapter).*")
"""Files that trainers and adapters write, which hold no model."""
_ELSEWHERE: Final = {
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "*.gguf": "llama.cpp",
    "*.onnx": "ONNX Runtime",
}
_ADAPTER: Final = "adapter_config.json"
_SMALL: Final = dict.fromkeys(
    (*SMALL_FILES, *TOKENIZER_FILES, CARD, _ADAPTER, *(f"{whole}.index.json" for whole, _ in _KINDS))
)
_ANY_PIECES: Final = "tokenizer.model"
"""Vocabulary file of transformers' tokenizers that belong to no family of models."""
_WORDS: Final = ("embeddings.word_embeddings.weight", "embeddings.tok_embeddings.weight")


def require_files(folder: Path, *, weights: bool = True) -> None:
    """Raise ModelError, with the remedy, unless `folder` holds a model's files."""
    if not checked_path(folder).is_dir():
        raise ModelError(f"There is no model folder {folder}: check the path.")
    found = _weights(folder)
    for path in (*(folder / name for name in _SMALL), *found):
        if path.is_file():
            require_itself(path)
    if (folder / _ADAPTER).is_file():
        _refuse_adapter(folder, found)
    if not (folder / "config.json").is_file():
        renamed = _renamed(folder) if not found else None
        if renamed is not None:
            raise ModelError(
                f"{folder} has {renamed.name} and no config.json: copy config.json and the tokenizer of the model that "
                f"it was fine-tuned from into the folder, and rename {renamed.name} to {_name_for(renamed)}."
            )
        raise ModelError(f"{folder} has no config.json: a model folder has config.json, weights and a tokenizer.")
    require_floats(folder)
    if weights:
        _require_weights(folder, found)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(f"{folder} has no tokenizer.json: copy the tokenizer that the model was trained with.")
    _require_pieces_read(folder)
    require_no_code(folder)
    if weights and found[0].suffix == ".bin":
        with readable(folder):
            for path in found:
                require_tensors_only(path)
    require_plausible(folder)


def pieces_alone(folder: Path | str) -> str | None:
    """Name of the SentencePiece model that is a folder's whole tokenizer; None if it has another vocabulary."""
    found = [name for name in TOKENIZER_FILES if (Path(folder) / name).is_file()]
    return found[0] if found and set(found) <= set(PIECES) else None


def wrapped_state(folder: Path) -> dict[str, Any] | None:
    """State dict of a training checkpoint, which holds it beside its epoch and optimizer; None for plain weights."""
    path = folder / _PICKLED
    if _weights(folder) != [path]:
        return None
    outer = torch.load(path, map_location="meta", weights_only=True)
    return None if bare(outer) is outer else dict(bare(torch.load(path, map_location="cpu", weights_only=True)))


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


def model_class(mapping: Any, config: Any) -> Any:
    """Class of a model in one of transformers' mappings, by its configuration."""
    kind = mapping[type(config)]
    return kind[0] if isinstance(kind, tuple) else kind


def _base(config: Any) -> str:
    prefix: str = model_class(MODEL_MAPPING, config).base_model_prefix
    return prefix


def _weights(folder: Path) -> list[Path]:
    """Weight files, in one format."""
    return next(
        (found for kind in _KINDS if (found := sorted(path for name in kind for path in folder.glob(name)))), []
    )


def _renamed(folder: Path) -> Path | None:
    """Weights of PyTorch under another name than transformers reads, if any."""
    found = (path for kind in _RENAMED for path in sorted(folder.glob(kind)))
    return next((path for path in found if not _BESIDE_WEIGHTS.fullmatch(path.name)), None)


def _name_for(weights: Path) -> str:
    """Name under which transformers reads weights of this format."""
    return WEIGHTS if weights.suffix == ".safetensors" else _PICKLED


def _refuse_adapter(folder: Path, found: list[Path]) -> None:
    """Raise ModelError for an adapter, of peft or AdapterHub, alone or beside full weights."""
    values = json_object(folder / _ADAPTER)
    if "peft_type" not in values and "model_name" in values:
        base = values["model_name"]
        remedy = (
            "AdapterHub's adapters are not read, so give a model that was fine-tuned as a whole, or "
            f"{base} itself as --base of train-teacher"
        )
    else:
        base = values.get("base_model_name_or_path") or "another model"
        remedy = (
            "load it with peft's AutoPeftModelForSequenceClassification, save what merge_and_unload() returns, with "
            "the tokenizer, and give that folder"
        )
    if found:
        raise ModelError(
            f"{folder} has an adapter of {base} beside its weights, which would be ignored: move {_ADAPTER} out of the "
            f"folder to use the weights without it; for the adapter, {remedy}."
        )
    raise ModelError(f"{folder} is an adapter of {base}, no model: {remedy}.")


def _require_weights(folder: Path, found: list[Path]) -> None:
    if not found:
        other = next((name for kind, name in _ELSEWHERE.items() if any(folder.glob(kind))), None)
        if other is not None:
            raise ModelError(
                f"{folder} has weights for {other} alone: get the model's {WEIGHTS}, or save them for PyTorch there."
            )
        if (renamed := _renamed(folder)) is not None:
            raise ModelError(
                f"{folder} has its weights in {renamed.name}, a name that transformers does not read: rename the file "
                f"to {_name_for(renamed)}."
            )
        raise ModelError(f"{folder} has no {WEIGHTS}: copy the whole model folder, weights included.")
    whole = WEIGHTS if found[0].suffix == ".safetensors" else _PICKLED
    if (folder / whole).is_file():
        return
    index = folder / f"{whole}.index.json"
    shards = json_object(index).get("weight_map")
    if index.is_file() and not isinstance(shards, dict):
        raise ModelError(f"{index} has no weight_map that says where each weight is: copy the file again.")
    if not isinstance(shards, dict):
        raise ModelError(f"{folder} has weights in parts and no {index.name} that says where each is: copy it too.")
    if absent := sorted({str(name) for name in shards.values() if not (folder / str(name)).is_file()}):
        raise ModelError(f"{folder} lacks {absent[0]}, a part of its weights: copy all of them.")


def _require_pieces_read(folder: Path) -> None:
    """Raise ModelError for a SentencePiece model alone that the tokenizer's class does not read, or not yet here.

    Some classes for other vocabularies read it nevertheless, and part functions otherwise than in training.
    """
    if (pieces := pieces_alone(folder)) is None:
        return
    alone = f"The tokenizer in {folder} is a SentencePiece model alone ({pieces})"
    kind, vocabulary = _tokenizer_class(folder)
    if not vocabulary.endswith(".model"):
        raise ModelError(
            f"{alone}, and {kind} reads {vocabulary}: add the model's tokenizer.json, or name the class that it was "
            "trained with as tokenizer_class in tokenizer_config.json."
        )
    if importlib.util.find_spec("sentencepiece") is None:
        raise ModelError(
            f"{alone}, which transformers reads with the package sentencepiece: run `pip install sentencepiece`, or "
            "add its tokenizer.json."
        )


def _tokenizer_class(folder: Path) -> tuple[str, str]:
    """Name of the tokenizer's class, and of the vocabulary file that it reads."""
    config = json_object(folder / "config.json")
    said = json_object(folder / "tokenizer_config.json").get("tokenizer_class") or config.get("tokenizer_class")
    names = said or TOKENIZER_MAPPING_NAMES.get(str(config.get("model_type")))
    for name in names if isinstance(names, tuple) else (names,):  # transformers 4 has a slow and a fast one
        with suppress(ImportError):  # without sentencepiece, transformers only has a substitute for some
            if files := getattr(getattr(transformers, str(name), None), "vocab_files_names", None):
                return str(name), str(files.get("vocab_file", _ANY_PIECES))
    return str(names), _ANY_PIECES


def _weight_names(folder: Path) -> Iterable[str]:
    names: list[str] = []
    for path in _weights(folder):
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                names += file.keys()
        else:
            names += bare(torch.load(path, map_location="meta", weights_only=True))
    return names
