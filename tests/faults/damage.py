"""What disks, transfers and editors do to files: torn ends, holes, flipped bits, foreign bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path


def torn(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(max(len(data), 1))]


def emptied(data: bytes, rng: random.Random) -> bytes:
    return b""


def with_a_hole(data: bytes, rng: random.Random) -> bytes:
    """Zeros in the place of a block, as a crash of the machine leaves them."""
    start = rng.randrange(max(len(data), 1))
    length = min(rng.randint(1, 512), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def flipped(data: bytes, rng: random.Random) -> bytes:
    """A few bits the other way."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def with_foreign_bytes(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.randbytes(rng.randint(1, 200)) + b"\n" * rng.randint(0, 1) + data[start:]


def glued(data: bytes, rng: random.Random) -> bytes:
    """A part of it twice, as two writers leave it."""
    return data + torn(data, rng)


def other_json(data: bytes, rng: random.Random) -> bytes:
    """Valid, and not at all what was written."""
    return rng.choice((b"null", b"[]", b"{}", b'"text"', b"1e999", b'{"state": "finished", "result": {}}', b"[" * 9999))


DAMAGES: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "torn": torn,
    "emptied": emptied,
    "with a hole": with_a_hole,
    "flipped bits": flipped,
    "foreign bytes": with_foreign_bytes,
    "glued": glued,
    "other JSON": other_json,
}


def damage(path: Path, rng: random.Random) -> str:
    """Damage a file in one way; returns which."""
    way = rng.choice(sorted(DAMAGES))
    path.write_bytes(DAMAGES[way](path.read_bytes(), rng))
    return f"{path.name} {way}"
