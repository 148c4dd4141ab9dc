"""Address of a class, as a link and as a QR code."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

PAGE = "board"


@dataclass(frozen=True)
class Link:
    """URL for participants; if not `reachable` from elsewhere, `command` starts a server that is."""

    url: str
    reachable: bool
    command: str = ""


def class_link(visited: str, bound: str | None, hosts: Sequence[str]) -> Link:
    """Link to a class for other machines.

    `visited` is the URL in the lecturer's browser, `bound` the address that the server listens on (None for all),
    `hosts` the names that it answers to. If the host in `visited` works for others as well, the link uses it.
    """
    parts = urlsplit(visited)
    name = parts.hostname or "localhost"
    if _is_here(name):
        named = next((one for one in hosts if "*" not in one and not one.startswith(".") and not _is_here(one)), None)
        if named is None or (bound is not None and _is_here(bound)):
            lan = lan_address()
            command = f"compressor app --address 0.0.0.0 --allow-host {lan}"
            return Link(visited, False, command)
        name = f"[{named}]" if ":" in named else named
    port = f":{parts.port}" if parts.port else ""
    return Link(f"{parts.scheme}://{name}{port}/{PAGE}", True)


def qr_code(text: str) -> str:
    """QR code of a text (ISO/IEC 18004) as an SVG data URI: black on white, in the dark theme too."""
    import segno

    return segno.make(text, error="m", micro=False).svg_data_uri(scale=8, border=3, light="#ffffff")


def lan_address() -> str:
    """This machine's address in its local network, found without sending anything."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # reserved for documentation (RFC 5737)
        return str(probe.getsockname()[0])
    return "YOUR-ADDRESS"


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return False
