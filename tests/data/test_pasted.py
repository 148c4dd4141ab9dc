"""Code that somebody pastes: what is refused in a sentence, and what is remarked on."""

from __future__ import annotations

import base64
import random
import zlib

import pytest

from compressor_core.data.pasted import (
    MOST_CHARACTERS,
    MOST_IN_ADDRESS,
    checked,
    decoded,
    language_of,
    language_remark,
    packed,
    unpacked,
)
from compressor_core.errors import DataError
from compressor_core.language import Language

C = "static int f(char *p, int n) {\n  for (int i = 0; i < n; i++) p[i] = 0;\n  return n;\n}\n"
JAVA = "public static int f(List<String> all) throws IOException {\n  return all.size();\n}\n"
PYTHON = "    def f(self, x):\n        return [y for y in x if y]\n"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 498627950\n"
SCRIPT = "const f = (a) => {\n  let x = a === 2;\n  return x;\n};\n"


@pytest.mark.parametrize(
    "code", [C, JAVA, PYTHON, "x", "\ufeffx", "\f\n\tint a;\r\n", "s = '漢字 \N{GRINNING FACE}'", "x" * MOST_CHARACTERS]
)
def test_code_is_taken_as_it_is(code: str) -> None:
    """But for a byte order mark, which is no part of it."""
    assert checked(code, "The box") == decoded(code.encode(), "a.c") == code.removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "The box is empty: give one function"),
        (" \n\t\n", "The box is empty"),
        ("int\0f();", "The box is binary data"),
        ("ELF" + "\x02\x01\x1b" * 40, "The box is binary data"),
        (POINTER, "The box is a Git LFS pointer, not the file itself: run `git lfs pull` in the folder"),
        (f"\ufeff\n{POINTER}", "The box is a Git LFS pointer"),
        ("/annex/objects/SHA256E-s12--0\n", "The box is a git-annex pointer"),
        ("<!DOCTYPE html>\n<html>Sign in</html>", "The box is a web page, not the file itself"),
        ("x" * 1_000_000, "The box has 1,000,000 characters, more than 100,000 characters"),
        ("int \ud800;", "not Unicode text (character 5)"),
    ],
)
def test_what_is_no_code_is_refused_in_a_sentence(code: str, says: str) -> None:
    with pytest.raises(DataError) as refusal:
        checked(code, "The box")
    assert says in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "a.c is empty"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "a.c is binary data"),
        ("caf\xe9".encode("latin-1"), "a.c is not UTF-8 text (byte 4)"),
        *((C.encode(f"utf-16{end}"), "a.c is UTF-16, not UTF-8 text: save it as UTF-8") for end in ("", "-le", "-be")),
        ("漢字".encode("utf-16"), "a.c is UTF-16"),
        (POINTER.encode(), "a.c is a Git LFS pointer, not the file itself: run `git lfs pull`"),
        (b"x" * 1_000_000, "a.c has 1,000,000 bytes"),
        (b"x" * 100_001, "a.c has 100,001 characters"),
    ],
)
def test_a_file_that_is_no_code_is_refused_in_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(DataError) as refusal:
        decoded(data, "a.c")
    assert says in str(refusal.value) and "\n" not in str(refusal.value)


def test_code_may_mention_what_a_placeholder_is_known_by() -> None:
    for code in (f"def f():\n    return {POINTER!r}\n", 'char *f() { return "/annex/objects/"; }'):
        assert decoded(code.encode(), "a.c") == code


def test_a_language_is_told_by_parsing() -> None:
    assert [language_of(code) for code in (C, JAVA, PYTHON, SCRIPT)] == [*Language, None]


@pytest.mark.parametrize(
    ("code", "language", "says"),
    [
        (C, Language.C, None),
        (JAVA, Language.JAVA, None),
        (PYTHON, Language.PYTHON, None),
        (PYTHON, Language.C, "is Python, and the model learned from C"),
        (C, Language.PYTHON, "is C, and the model learned from Python"),
        (JAVA, Language.PYTHON, "is Java, and"),
        (SCRIPT, Language.PYTHON, "does not read as Python"),
        (SCRIPT, Language.C, None),  # as C with macros would
        (SCRIPT, None, None),
    ],
)
def test_another_language_is_remarked_on(code: str, language: Language | None, says: str | None) -> None:
    remark = language_remark(code, language)
    assert remark is None if says is None else (remark is not None and says in remark)


@pytest.mark.parametrize("codes", [(C,), (PYTHON, JAVA), ("s = '漢字 \N{GRINNING FACE}'",)])
def test_short_code_travels_in_an_address(codes: tuple[str, ...]) -> None:
    value = packed(codes)
    assert value is not None and value.replace("-", "").replace("_", "").isalnum()
    assert unpacked(value, len(codes)) == codes
    noise = "".join(random.Random(0).choices("abcdefghij", k=4 * MOST_IN_ADDRESS))
    assert packed([noise]) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "not base64!",
        "é",
        "A" * (MOST_IN_ADDRESS + 1),
        packed(["a", "b"]),
        *(
            base64.urlsafe_b64encode(zlib.compress(data, 9)).decode()
            for data in (b"", b"{}", b"[1]", b'"a"', b"\xff", b'["' + b"x" * 1_000_000 + b'"]', b"[" * 100_000)
        ),
        base64.urlsafe_b64encode(zlib.compress(b'["a"]')[:-1]).decode(),
    ],
)
def test_rubbish_in_an_address_is_one_sentence(value: str) -> None:
    with pytest.raises(DataError, match="The code in this address cannot be read"):
        unpacked(value, 1)
