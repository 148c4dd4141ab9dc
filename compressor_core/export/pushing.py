"""Pushing a model folder to the Hugging Face hub, or listing what would be sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from compressor_core.bundled import model_folder
from compressor_core.errors import DataError, ModelError
from compressor_core.files import to_json, write_bytes
from compressor_core.models.card import CARD, ModelCard, read_card
from compressor_core.models.folder import WEIGHTS
from compressor_core.models.pair import CODE
from compressor_core.models.readme import README, readme
from compressor_core.records import PushSummary
from compressor_core.task import Task

_FILES = ("config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json", CARD, README)

_LICENCE: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")


def push(
    model: str | Path, repository: str, *, send: bool = False, private: bool = True, licence: str | None = None
) -> PushSummary:
    """List the files of a model of this program for `repository` (user/name); with `send`, create and fill it.

    With `send`, a folder without a README.md gets one, and a `licence`, by its name on the hub, is written into card
    and README.md; its students will have it, too. Without `send`, the folder stays as it is.

    Raises:
        ModelError: the model was not made by this program, or lacks a file.
        DataError: a name is not valid on the hub, or the hub refuses or cannot be reached.
    """
    folder = model_folder(model)
    card = read_card(folder)
    if card is None:
        raise ModelError(f"{folder} has no {CARD}: give a model that this program has made")
    if repository.count("/") != 1:
        raise DataError(f"the repository cannot be {repository!r}: write user/name")
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise DataError(f"the repository cannot be {repository!r} ({error}): write user/name") from error
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise DataError(f"the licence cannot be {licence!r}: write its name on the hub, such as mit or apache-2.0")
    new = _new_files(folder, card, licence, repository.split("/")[1])
    files = (*_FILES, CODE.name) if card.task is Task.CLONE else _FILES
    if absent := [name for name in files if name not in new and not (folder / name).is_file()]:
        raise ModelError(f"{folder} lacks {absent[0]}: copy the whole model folder")
    if send:
        for name, content in new.items():
            write_bytes(folder / name, content)
        try:
            api = HfApi()
            api.create_repo(repository, private=private, exist_ok=True)
            api.upload_folder(folder_path=folder, repo_id=repository, allow_patterns=list(files))
        except HfHubHTTPError as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise DataError(
                f"the hub refuses {repository} ({reason}): run `hf auth login`, and check the name"
            ) from error
        except Exception as error:  # any network error: the remedy is the same
            reason = str(error).strip() or type(error).__name__
            raise DataError(f"the hub cannot be reached ({reason}): try again with a network") from error
    return PushSummary(
        model=str(folder),
        repository=repository,
        sent=send,
        files=files,
        size_mb=sum(len(new[name]) if name in new else (folder / name).stat().st_size for name in files) / 1e6,
    )


def _new_files(folder: Path, card: ModelCard, licence: str | None, name: str) -> dict[str, bytes]:
    """Files to write before the folder is sent: those that a new licence changes, or a missing README.md."""
    new = {}
    if licence not in (None, card.licence):
        card = card.replace(licence=licence)
        new[CARD] = to_json(card.model_dump(mode="json"), indent=2) + "\n"
    if new or not (folder / README).is_file():
        new[README] = readme(card, name)
    return {file: text.encode("utf-8", "backslashreplace") for file, text in new.items()}
