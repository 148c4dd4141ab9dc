"""The address of a class: as a link for people, and as a QR code for their phones."""

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
    """Where participants go; where the server cannot be reached from elsewhere, how to start it so that it can."""

    url: str
    reachable: bool
    command: str = ""


def class_link(visited: str, bound: str | None, hosts: Sequence[str]) -> Link:
    """The address of a class for other machines.

    `visited` is the address in the lecturer's browser, `bound` what the server listens on (None for all), `hosts` the
    names that it answers to. A lecturer who came under a name that others use as well passes it on.
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
    """A text as a QR code (ISO/IEC 18004), an SVG as a data URI: black on white, in the dark theme too."""
    import segno

    return segno.make(text, error="m", micro=False).svg_data_uri(scale=8, border=3, light="#ffffff")


def lan_address() -> str:
    """This machine's own address in its network; nothing is sent to find out."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # an address of no machine (RFC 5737)
        return str(probe.getsockname()[0])
    return "YOUR-ADDRESS"


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return False
