"""Checks of code that is pasted, uploaded or named on the command line."""

from __future__ import annotations

import base64
import json
import textwrap
import zlib
from collections.abc import Sequence

from compressor_core.dataflow.syntax import parser
from compressor_core.errors import DataError
from compressor_core.files import stand_in
from compressor_core.language import LANGUAGE_NAMES, Language

MOST_CHARACTERS = 100_000
"""Largest number of characters of code: far more than the 512 tokens that a model can read."""
MOST_IN_ADDRESS = 1_500
"""Largest number of characters that code may take in a URL."""
_PARSED = 20_000
"""Number of characters up to which the language is detected; above, a parser's error recovery may take long."""
_UNPACKED = 8 * MOST_CHARACTERS
"""Largest number of bytes that code from a URL may unpack to."""
_GARBAGE = 0.05
"""Share of control characters above which data counts as binary."""
_LAYOUT = "\t\n\v\f\r"


def decoded(data: bytes, name: str) -> str:
    """The text of a file, see `checked`.

    Raises:
        DataError: it is not text in UTF-8, or `checked` refuses it.
    """
    if len(data) > 4 * MOST_CHARACTERS:  # UTF-8 has four bytes a character at most
        raise _too_long(name, f"{len(data):,} bytes")
    if _is_utf_16(data):
        raise DataError(f"{name} is UTF-16, not UTF-8 text: save it as UTF-8")
    if b"\0" in data:
        raise _binary(name)
    try:
        return checked(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is not UTF-8 text (byte {error.start + 1:,}): give a file of source code, saved as UTF-8"
        ) from error


def checked(code: str, name: str) -> str:
    """Return `code` if it can be given to a model; error messages call it `name`.

    A leading byte order mark, as in a pasted file, is removed.

    Raises:
        DataError: it is blank, longer than `MOST_CHARACTERS`, binary data, or a placeholder such as a Git LFS pointer.
    """
    code = code.removeprefix("\ufeff")
    if len(code) > MOST_CHARACTERS:
        raise _too_long(name, f"{len(code):,} characters")
    if not code.strip():
        raise DataError(f"{name} is empty: give one function")
    # The first two words alone, since code may mention what a placeholder is known by.
    if (kind := stand_in(" ".join(code.split(maxsplit=2)[:2]).encode("utf-8", "replace"))) is not None:
        raise DataError(f"{name} is {kind}")
    bad = sum(not character.isprintable() and _is_control(character) for character in code)
    if "\0" in code or bad > _GARBAGE * len(code):
        raise _binary(name)
    try:
        code.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{name} is not Unicode text (character {error.start + 1:,}): paste it as text") from error
    return code


def packed(codes: Sequence[str]) -> str | None:
    """Functions as one URL parameter; None if it would take more than `MOST_IN_ADDRESS` characters."""
    text = json.dumps(list(codes), ensure_ascii=False, separators=(",", ":"))
    value = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
    return value if len(value) <= MOST_IN_ADDRESS else None


def unpacked(value: str, count: int) -> tuple[str, ...]:
    """The `count` functions in a value made by `packed`.

    Raises:
        DataError: the value is too long or invalid, or `checked` refuses its content.
    """
    try:
        if len(value) > MOST_IN_ADDRESS:
            raise ValueError("too long")
        unzip = zlib.decompressobj()
        data = unzip.decompress(base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True), _UNPACKED)
        codes = json.loads(data) if unzip.eof else None
        if not isinstance(codes, list) or len(codes) != count or not all(isinstance(code, str) for code in codes):
            raise ValueError("not functions")
    except (ValueError, RecursionError, zlib.error) as error:
        raise DataError("The code in this address cannot be read: copy the whole link, or paste the code") from error
    return tuple(checked(code, "The code in this address") for code in codes)


def language_remark(code: str, language: Language | None) -> str | None:
    """A remark on code in another language than the model's; None if there is nothing to say.

    A language is recognised by parsing without an error. C that does not parse gets no remark, because macros cause
    that.
    """
    if language is None or len(code) > _PARSED or _parses(code, language):
        return None
    others = [LANGUAGE_NAMES[other] for other in Language if other is not language and _parses(code, other)]
    own = LANGUAGE_NAMES[language]
    if others:
        found = f"is {' or '.join(others)}, and the model learned from {own}"
    elif language is not Language.C:
        found = f"does not read as {own}, which the model learned from"
    else:
        return None
    return f"This code {found}: it answers all the same, but the answer may mean nothing."


def language_of(code: str) -> Language | None:
    """The first language that code parses in without an error; None if there is none, or it is very long."""
    if len(code) > _PARSED:
        return None
    return next((one for one in (Language.PYTHON, Language.JAVA, Language.C) if _parses(code, one)), None)


def _parses(code: str, language: Language) -> bool:
    source = textwrap.dedent(code).encode("utf-8", "replace")
    return not parser(language).parse(source).root_node.has_error


def _is_control(character: str) -> bool:
    return (character < " " and character not in _LAYOUT) or "\x7f" <= character < "\xa0"


def _is_utf_16(data: bytes) -> bool:
    """Whether bytes have a mark of UTF-16, or zeros at every second place alone, as ASCII has in UTF-16."""
    zeros = sorted((data[::2].count(0), data[1::2].count(0)))
    return data.startswith((b"\xff\xfe", b"\xfe\xff")) or (zeros[0] == 0 and zeros[1] > len(data) // 4)


def _binary(name: str) -> DataError:
    return DataError(f"{name} is binary data, not text: give source code")


def _too_long(name: str, length: str) -> DataError:
    return DataError(
        f"{name} has {length}, more than {MOST_CHARACTERS:,} characters: give one function, models read its beginning"
    )
