"""The catalogue of weaknesses: every form parses, every pair differs, and the catalogue is broad."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from compressor_core.data.surface import OUTSIDE, needed, parse
from compressor_core.data.weaknesses import FOLDER, Weakness, catalogue, entries

SAME = re.compile(r"\b[a-z_]\w*\b")


def forms(weakness: Weakness) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, text and imports of all forms."""
    return [
        (f"{api.name} {number} {kind}", text, api.imports)
        for api in weakness.apis
        for number, program in enumerate(api.programs, 1)
        for kind, texts in (("unsafe", (program.unsafe,)), ("safe", (program.safe,)), ("benign", program.benign))
        for text in texts
    ]


@pytest.mark.parametrize("weakness", catalogue(), ids=lambda weakness: weakness.cwe)
class TestWeakness:
    def test_each_form_parses_and_is_short(self, weakness: Weakness) -> None:
        for name, text, imports in forms(weakness):
            form = parse(text, imports)
            assert 1 <= text.strip().count("\n") + 1 <= 12, name
            assert not any(re.fullmatch(r"value\d*", given) and given not in OUTSIDE for given in form.given), name
            assert not any(isinstance(s, ast.FunctionDef) and len(form.statements()) == 1 for s in form.statements()), (
                name,
                "the function around is drawn",
            )

    def test_each_pair_differs_and_no_form_stands_twice(self, weakness: Weakness) -> None:
        trees = Counter(ast.dump(ast.parse(text)) for name, text, imports in forms(weakness) if "benign" not in name)
        assert [tree for tree, times in trees.items() if times > 1] == []

    def test_a_tainted_form_uses_the_value(self, weakness: Weakness) -> None:
        if weakness.taint:
            for name, text, imports in forms(weakness):
                assert "unsafe" not in name or parse(text, imports).outside, f"{name} does not use value"

    def test_flows_benign_forms_and_unseen_apis_are_there(self, weakness: Weakness) -> None:
        programs = [program for api in weakness.apis for program in api.programs]
        assert 4 * sum(program.flow for program in programs) >= len(programs), "flows"
        assert 2 * sum(bool(program.benign) for program in programs) >= len(programs) * 0.8, "benign forms"
        if len(weakness.apis) >= 5 and not weakness.unseen:
            assert any(api.unseen for api in weakness.apis), "an API that is kept from training"
        assert len({api.name for api in weakness.apis}) == len(weakness.apis)


def test_the_catalogue_is_broad() -> None:
    assert len({weakness.cwe for weakness in catalogue()}) == len(list(FOLDER.glob("cwe-*.toml")))
    assert len(catalogue()) >= 30
    assert sum(len(weakness.apis) >= 6 for weakness in catalogue()) >= 30
    assert {entry.unseen for entry in entries()} == {True, False}


def test_a_program_shows_the_imports_that_its_forms_need() -> None:
    for entry in entries():
        texts = (entry.program.unsafe, entry.program.safe, *entry.program.benign)
        used = set(re.findall(r"\w+", " ".join(texts)))
        for line in entry.imports:
            statement = ast.parse(line).body[0]
            assert isinstance(statement, ast.Import | ast.ImportFrom)
            assert all((alias.asname or alias.name).split(".")[0] in used for alias in statement.names), line


@pytest.mark.parametrize(
    ("imports", "text", "expected"),
    [
        (("from a import b, c", "from a import c", "import d"), "c(1)", ("from a import c",)),
        (("import a.b", "import a.c", "import a"), "a.c.run()", ("import a.c", "import a")),
        (("import a.b as e", "from f import (g, h as i)"), "e(i)", ("import a.b as e", "from f import h as i")),
        (("import a",), "b = x.a", ()),
    ],
)
def test_each_name_is_imported_once(imports: tuple[str, ...], text: str, expected: tuple[str, ...]) -> None:
    assert needed(imports, (text,)) == expected
