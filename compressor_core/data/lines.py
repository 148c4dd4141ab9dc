"""Reading of text files from users, compressed or not, with errors that name a remedy.

A file that cannot be used as a whole (another encoding, an archive) is a DataError; an unusable row becomes a `BadRow`
among the good rows, and the caller decides.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from compressor_core.errors import DataError
from compressor_core.files import checked_path, stand_in

NUL: Final = "has a NUL character, which no source code has; the file may be damaged or UTF-16"
_TABLE: Final = "save it as CSV or JSONL in UTF-8"
_UNPACK: Final = "unpack it first"
_OTHERS: Final = {
    b"PK\x03\x04": f"a zip archive or an Excel workbook: {_UNPACK}, or {_TABLE}",
    b"7z\xbc\xaf": f"a 7-Zip archive: {_UNPACK}",
    b"(\xb5/\xfd": f"a Zstandard archive: {_UNPACK}",
    b"PAR1": f"a Parquet file: {_TABLE}",
    b"ARROW1": f"an Arrow file: {_TABLE}",
    b"\xff\xff\xff\xff": f"an Arrow stream: {_TABLE}",
    b"SQLite format 3": f"a database: {_TABLE}",
    b"%PDF": f"a PDF: {_TABLE}",
    **{bytes((128, version)): f"a pickle, which is never opened: {_TABLE}" for version in range(2, 6)},
    b"Rar!\x1a\x07": f"a RAR archive: {_UNPACK}",
    b'\x04"M\x18': f"an LZ4 archive: {_UNPACK}",
    b"\x1f\x9d": f"packed with compress: {_UNPACK}",
    b"]\0\0": f"packed with LZMA: {_UNPACK}",
    b"LZIP": f"packed with lzip: {_UNPACK}",
    **{bytes((0x78, level)): f"packed with zlib: {_UNPACK}" for level in (0x01, 0x9C, 0xDA)},
    b"\xff\x06\0\0sNaPpY": f"packed with Snappy: {_UNPACK}",
    b"Obj\x01": f"an Avro file: {_TABLE}",
    b"FEA1": f"a Feather file: {_TABLE}",
    b"\x89HDF": f"an HDF5 file: {_TABLE}",
    b"\x93NUMPY": f"a NumPy array: {_TABLE}",
    b"\xd0\xcf\x11\xe0": f"an old Excel workbook: {_TABLE}",
}
_CONTROLS: Final = bytes((*range(1, 9), *range(14, 32), 127))
"""Control characters that no text has; a single NUL is damage, which its row tells."""
_BINARY: Final = 0.03
"""Share of control characters above which a file counts as binary; packed data have a tenth."""
_TAR: Final = slice(257, 262)
"""Place of the word "ustar" in a tar archive."""
_PACKED: Final[Mapping[bytes, Callable[..., Any]]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_ALWAYS, _RATIO = 200_000_000, 100
"""Bytes that any packed file may unpack to, and the largest ratio to its own size for a larger one."""
_UNDECODED: Final = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class BadRow:
    """An unusable row; `reason` continues a sentence like "line 12 of f.csv …". `unit` is what `line` counts."""

    line: int
    reason: str
    unit: str = "line"


Entry = tuple[int, Mapping[str, Any]] | BadRow
"""A raw row with its number, or what is wrong with it."""


@dataclass(frozen=True)
class Table:
    """Columns of a table and its rows, which are read lazily; `unit` is what their numbers count."""

    names: tuple[str, ...]
    rows: Iterator[Entry]
    unit: str = "line"


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered non-empty lines of a text file. Raises DataError if it cannot be read at all."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.strip()


def bad_rows(source: Path | str, bad: Sequence[BadRow]) -> DataError:
    """Error for unusable rows: the first one and the number of others.

    `source` is the path of a file, or a description of another table.
    """
    others = f" ({len(bad) - 1:,} more cannot be used either)" if len(bad) > 1 else ""
    return DataError(
        f"{bad[0].unit} {bad[0].line} of {source} {bad[0].reason}{others}: repair or skip what cannot be used"
    )


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """Open a text file in UTF-8; undecodable bytes become lone surrogates. Raises DataError for other kinds of file.

    Files compressed as .gz, .bz2 and .xz are recognised by content.
    """
    with _readable(path):
        start = beginning(path)
        opener = next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), open)
        with opener(path, "rb") as file:
            start = file.read(4096)
        packed = opener is not open
        kind = stand_in(start) or _other_kind(start, packed)
        if kind is None and (start.startswith((b"\xff\xfe", b"\xfe\xff")) or start.count(0) > len(start) // 4):
            kind = f"UTF-16 or binary, not UTF-8 text: {_TABLE}"
        if kind is None and len(start) - len(start.translate(None, _CONTROLS)) > max(2, _BINARY * len(start)):
            unknown = f"binary data of an unknown kind, not text: {_TABLE}"
            kind = f"packed with zlib: {_UNPACK}" if start.startswith(b"x^") else unknown  # a text may begin so, too
        if kind is not None:
            raise DataError(f"{path} is {kind}")
        raw = io.BufferedReader(_Unpacked(path, opener)) if packed else path.open("rb")
        with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            yield text


def _other_kind(start: bytes, packed: bool) -> str | None:
    """What a file is whose content, or whose unpacked content, begins so; None for text."""
    if start[_TAR] == b"ustar":
        return f"a tar archive: {_UNPACK}"
    if packed and start.startswith(b"PAR1"):
        return f"a packed Parquet file: {_UNPACK}"
    if packed and start.startswith(tuple(_PACKED)):
        return "packed twice: unpack it once"
    return next((kind for magic, kind in _OTHERS.items() if start.startswith(magic)), None)


def require_plausible(path: Path, size: int) -> None:
    """Raise DataError if the unpacked `size` in bytes is implausibly large for text in a packed file of this size."""
    if size > max(_ALWAYS, _RATIO * path.stat().st_size):
        raise DataError(
            f"{path} has {path.stat().st_size / 1e6:,.1f} MB and unpacks to more than {size / 1e6:,.0f} MB, which no "
            f"code does: {_UNPACK} and look at what is in it"
        )


class _Unpacked(io.RawIOBase):
    """Unpacked content of a file, checked by `require_plausible`."""

    def __init__(self, path: Path, opener: Callable[..., Any]) -> None:
        self._path, self._file = path, opener(path, "rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        count = int(self._file.readinto(buffer))
        require_plausible(self._path, self._file.tell())
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def beginning(path: Path) -> bytes:
    """First bytes of a file on disk, of any kind and not unpacked. Raises DataError if the file cannot be read."""
    if not checked_path(path).exists():
        raise DataError(f"there is no file {path}: check the path given as data")
    if not path.is_file():
        raise DataError(f"{path} is not a file: give the path of a JSON, CSV or Parquet file")
    with _readable(path), path.open("rb") as file:
        return file.read(16)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.strerror is None:  # raised by gzip, without an error number
            raise DataError(f"{path} is no whole archive ({error}): copy it again") from error
        raise DataError(f"{path} cannot be read ({error.strerror}): check the file and its permissions") from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path} is no whole archive ({error}): copy it again") from error


def broken(text: str) -> str | None:
    """Why a line's characters are invalid; None if they are valid."""
    if match := _UNDECODED.search(text):
        return (
            f"is not UTF-8 text (byte 0x{ord(match[0]) - 0xDC00:02x}); save the file as UTF-8, and if it is Latin-1, "
            "open it as such first"
        )
    return NUL if "\0" in text else None
