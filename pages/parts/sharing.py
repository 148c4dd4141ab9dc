"""Limits of a server that others can reach: closed features, and how much one visitor may use.

Visitors take part in a class; its token determines which runs are theirs, see `gate`. Features are closed per server,
not per person: the operator can open a second server on loopback, on the same run folder, with all features. The rules
are plain functions; only `shared` and the functions after it use Streamlit.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from shutil import disk_usage
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from compressor_core.assets import ASSETS
from compressor_core.bundled import FROM_SCRATCH
from compressor_core.data.intake import SUFFIXES, save_answers, save_upload
from compressor_core.errors import RunError, StorageError
from compressor_core.runs import RunStore
from compressor_core.runs.context import LONGEST_VARIABLE
from compressor_core.runs.run import Maker
from compressor_core.runs.uploads import clear, uploaded_bytes

VARIABLE = "COMPRESSOR_SHARED"
"""Environment variable: 1 if a proxy, a tunnel or a container's port makes a server on loopback public.

The first visit under another host name, or through a proxy that identifies itself, sets it; 0 prevents that.
"""
MOST_LIVE = 24
"""Largest number of queued or running runs, of all visitors together."""
MOST_OWN = 3
"""Largest number of these from one participant: as many as a story has."""
MOST_ADDRESS = 12
"""Largest number of these from one address: joining again gains nothing, and a class behind one router can work."""
LONGEST = 1800
"""Time limit of a run in seconds; then it stops, as if cancelled, and keeps its best so far."""
LARGEST_MB = 100.0
"""Largest student that a run may make, in MB."""
LEAST_FREE = 2_000_000_000
"""Bytes that must be free on the disk before anything new is stored."""
MOST_UPLOADED, MOST_ADDRESS_UPLOADED, MOST_OWN_UPLOADED = 2_000_000_000, 800_000_000, 200_000_000
"""Largest total of stored uploads in bytes: of all visitors, from one address, and of one participant."""
PLACES = (
    *("base", "teacher", "student", "others", "models", "model"),
    *("data", "unlabelled", "masked_code", "substitutes", "checkpoint", "tokenizer"),
)
"""Settings of a run that name files, folders or models of the hub."""

_VISIT = "visit"
"""Value of `VARIABLE` if a visit has set it."""
ASK = "whoever runs this server can do it"


def is_shared(address: str | None, variable: str | None = None) -> bool:
    """Whether a server bound to `address` can be reached from elsewhere: any address not known to be loopback can."""
    if variable not in (None, "", "0"):
        return True
    if address == "localhost":
        return False
    try:
        return not ip_address((address or "").strip("[]")).is_loopback
    except ValueError:
        return True


def from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether the headers of a visit show another host name than this machine's, or a proxy."""
    host = urlsplit(f"//{headers.get('Host') or 'localhost'}").hostname
    return is_shared(host) or any(name in headers for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host"))


def places(config: Mapping[str, Any]) -> Iterator[str]:
    """Values in the settings of a run that name a file, a folder or a model of the hub."""
    for key in PLACES:
        value = config.get(key)
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None:
                yield str(one)


def require_known_places(config: Mapping[str, Any], root: Path, known: Collection[str]) -> None:
    """Raise RunError if settings name a place that is neither in the run folder, nor bundled, nor known."""
    for place in places(config):
        path = Path(os.path.realpath(place))
        # Files directly in the run folder, such as the keys of a class, are neither models nor data.
        inside = any(
            path.is_relative_to(one) and path.parent != one for one in map(Path, map(os.path.realpath, (root, ASSETS)))
        )
        if not inside and place not in known and place != FROM_SCRATCH:
            raise RunError(f"{place[:200]!r} is not among the models and data that this shared server offers: {ASK}.")


def require_size(config: Mapping[str, Any]) -> None:
    """Raise RunError if settings request a student or a budget above `LARGEST_MB`."""
    # imports numpy, which the first page does not need
    from compressor_core.architecture import Architecture
    from compressor_core.cost import cost

    search = config.get("search")
    sizes = [config.get("budget_mb"), *(config.get("budgets") or ())]
    if isinstance(search, Mapping):
        sizes.append(search.get("budget_mb"))
    if config.get("architecture") is not None:
        sizes.append(cost(Architecture.parse(str(config["architecture"]))).size_mb)
    largest = max((size for size in sizes if size is not None), default=0.0)
    if largest > LARGEST_MB:
        raise RunError(f"{largest:,.0f} MB is more than a shared server takes on: ask for {LARGEST_MB:g} MB at most.")


def require_turn(live: Sequence[Maker | None], maker: Maker | None, more: int = 1) -> None:
    """Raise RunError if `maker` may not start `more` runs beside the `live` ones, which are given by their makers.

    Runs are counted by participant and by address, not by session.
    """
    made = [one for one in live if one and maker]
    own = sum(one.participant == maker.participant for one in made) if maker and maker.participant else 0
    if own + more > MOST_OWN:
        raise RunError(
            f"{own} of your runs are waiting or running, and a participant may have {MOST_OWN}: "
            "wait for one of them, or cancel it."
        )
    near = sum(one.address == maker.address for one in made) if maker and maker.address else 0
    if near + more > MOST_ADDRESS:
        raise RunError(
            f"{near} runs from your address are waiting or running, and this server takes {MOST_ADDRESS} from one: "
            "wait for one of them, or cancel one of yours."
        )
    if len(live) + more > MOST_LIVE:
        raise RunError(
            f"{len(live)} runs are waiting or running, and this shared server takes {MOST_LIVE}: try again later."
        )


def require_room(free: int) -> None:
    """Raise StorageError if fewer than `LEAST_FREE` bytes are free."""
    if free < LEAST_FREE:
        raise StorageError(
            f"This shared server has {free / 1e9:.1f} GB of disk left, and keeps {LEAST_FREE / 1e9:g} GB free: "
            "whoever runs it has to delete runs first."
        )


def require_space(size: int, uploaded: int, own: int, beside: int = 0) -> None:
    """Raise StorageError if `size` more bytes exceed a limit, given the bytes `uploaded` so far.

    Of these, `own` are from the visitor and `beside` from the visitor's address.
    """
    for there, most, words in (
        (own, MOST_OWN_UPLOADED, "You have uploaded {}, and a visitor of this shared server may have {}"),
        (beside, MOST_ADDRESS_UPLOADED, "{} were uploaded from your address, and one address may have {}"),
    ):
        if there + size > most:
            said = words.format(f"{there / 1e6:,.0f} MB", f"{most / 1e6:,.0f} MB")
            raise StorageError(f"{said}: use what has been uploaded, or upload a smaller file.")
    if uploaded + size > MOST_UPLOADED:
        raise StorageError(
            f"This shared server keeps {MOST_UPLOADED / 1e9:g} GB of uploads, and has {uploaded / 1e9:.1f} GB: "
            "whoever runs it can clear those that no run uses, on the Runs page."
        )


class Senders:
    """Senders of the stored uploads, remembered across reconnections while the server runs."""

    def __init__(self) -> None:
        self._files: defaultdict[str, dict[Path, int]] = defaultdict(dict)

    def add(self, maker: Maker | None, file: Path, size: int) -> None:
        """Record that a file was uploaded by a participant, from an address, or both."""
        for who in _names(maker):
            self._files[who][file] = size

    def of(self, maker: Maker | None) -> tuple[int, int]:
        """Bytes still stored: of the participant (without one, of the address), and of the address."""
        names = _names(maker)
        held = [sum(size for file, size in self._files[who].items() if file.exists()) for who in names]
        return held[0], held[-1]


def _names(maker: Maker | None) -> list[str]:
    """Names to count uploads by: participant, then address; an empty name for the lecturer."""
    known = (maker.participant, maker.address) if maker else ()
    return [name for name in known if name] or [""]


@st.cache_resource
def _senders(root: Path) -> Senders:
    """Senders of the uploads in one run folder."""
    return Senders()


def shared() -> bool:
    """Whether this server can be reached from elsewhere."""
    return is_shared(st.get_option("server.address"), os.environ.get(VARIABLE))


def from_here() -> bool:
    """Whether the visit comes from this machine, without a detectable proxy; such a visitor is trusted."""
    here = st.context.ip_address is None and not from_elsewhere(st.context.headers)
    return here and os.environ.get(VARIABLE, "0") in ("", "0", _VISIT)


def prepare() -> None:
    """Detect a shared server; if so, warn its operator and restrict its workers."""
    if from_elsewhere(st.context.headers):
        os.environ.setdefault(VARIABLE, _VISIT)
    if shared():
        # Workers inherit both; the operator's own values take precedence.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault(LONGEST_VARIABLE, str(LONGEST))
        _warn(str(st.get_option("server.address") or "all addresses"), int(st.get_option("server.port")))


@cache
def _warn(address: str, port: int) -> None:
    """Print a warning in the terminal, once per server."""
    print(
        f"\n  WARNING: Compressor Studio is served on {address}, port {port}, without encryption, to everyone who has\n"
        "  the access code of the class that you open. They see all runs, names and uploads of this run folder. Use\n"
        "  it in a network you trust, and only while the class lasts. Closed to visitors: paths on this machine,\n"
        "  downloads from the hub, imports, deleting, and runs of others. To do these, start a second server on the\n"
        "  same folder:"
        f"\n\n    streamlit run app.py --server.port {port + 1}\n",
        file=sys.stderr,
        flush=True,
    )


def allow_keeping(store: RunStore) -> None:
    """Raise StorageError if a shared server has no room for uploads or results of a visitor."""
    if shared():
        there = next(folder for folder in (store.root, *store.root.parents) if folder.is_dir())
        require_room(disk_usage(there).free)


def keep_upload(store: RunStore, name: str, data: bytes, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Store an upload within the limits of a shared server; unused uploads are deleted first.

    Raises CompressorError if it is refused.
    """
    clear(store)
    return keep_counted(store, len(data), lambda: save_upload(store.root, name, data, suffixes))


def keep_answers(store: RunStore, files: Mapping[str, bytes]) -> Path:
    """As `keep_upload`, for recorded answers, see `save_answers`."""
    clear(store)
    return keep_counted(store, sum(map(len, files.values())), lambda: save_answers(store.root, files))


def keep_counted(store: RunStore, size: int, save: Callable[[], Path]) -> Path:
    """Store what `save` writes, `size` bytes or more, within the limits of a shared server, and count it.

    Raises CompressorError if it is refused.
    """
    if shared():
        allow_keeping(store)
        require_space(size, uploaded_bytes(store), *_senders(store.root).of(store.maker))
    path = save()
    _senders(store.root).add(store.maker, path, max(size, path.stat().st_size))
    return path
