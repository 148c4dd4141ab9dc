"""Folders of models on the Hugging Face hub: from the local cache or downloaded; fails at once if neither works."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from compressor_core.data.hub import PATIENCE, within
from compressor_core.errors import ModelError

PIECES = ("sentencepiece.bpe.model", "spiece.model", "spm.model", "sentencepiece.model", "tokenizer.model")
"""SentencePiece models, by the names that tokenizers give them."""
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", *PIECES)
"""Tokenizer files, at least one of which must exist."""
SMALL_FILES = ("config.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""Other small files of a model."""
_REMEDY = "download the model on a machine with a network and give its folder"


def fetch(name: str) -> Path:
    """Folder of a model by its name on the hub, with configuration, tokenizer and weights only.

    Raises:
        ModelError: the name does not exist, is not cached and there is no network, or the download fails; within
            seconds.
    """
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    cached = _cached(name)
    if cached is not None:
        return cached
    missing = f"There is no folder {name!r}, and it is not in the local cache"
    if constants.HF_HUB_OFFLINE:
        raise ModelError(f"{missing}, and HF_HUB_OFFLINE keeps this program from the hub: unset it, or {_REMEDY}.")
    try:
        info = within(PATIENCE, lambda: HfApi().model_info(name, timeout=PATIENCE))
        files = {file.rfilename for file in info.siblings or ()}
        wanted = _wanted(files)
        if not wanted:
            raise ModelError(f"The hub's model {name!r} has no weights that can be loaded: choose another.")
        return Path(snapshot_download(name, allow_patterns=wanted))
    except ModelError:
        raise
    except GatedRepoError as error:
        raise ModelError(
            f"The hub gives {name!r} only to those who asked for it: accept its terms there, or give a folder."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(f"The hub has no public model {name!r}: check its name, or give a folder.") from error
    except HfHubHTTPError as error:
        raise ModelError(f"The hub refuses {name!r} ({_first_line(error)}): try later, or give a folder.") from error
    except Exception as error:  # any network error: the remedy is the same
        raise ModelError(f"{missing}, and the hub cannot be reached ({_first_line(error)}): {_REMEDY}.") from error


def _cached(name: str) -> Path | None:
    """Snapshot in the local cache, if complete."""
    from huggingface_hub import snapshot_download

    with suppress(Exception):  # not cached, or not a valid name: the hub will tell
        folder = Path(snapshot_download(name, local_files_only=True))
        files = {path.name for path in folder.iterdir()}
        if _wanted(files) and "config.json" in files and not files.isdisjoint(TOKENIZER_FILES):
            return folder
    return None


def _wanted(files: set[str]) -> list[str]:
    """Files to download: weights in one format, safetensors if possible; none if there are no weights."""
    for single, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        stem, _, end = single.rpartition(".")
        weights = {single} & files or {file for file in files if file.startswith(f"{stem}-") and file.endswith(end)}
        if weights:
            return sorted(weights | ({index, *SMALL_FILES, *TOKENIZER_FILES} & files))
    return []


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:160] if text else type(error).__name__
