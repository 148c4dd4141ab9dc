"""The explanations of terms: each complete, each where it is asked for, formulas that are those of the code."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import Architecture
from compressor_core.cost import Genes, cost, paper_flops
from pages.parts.explain import TERMS, explained
from pages.parts.frame import TABS
from tests.pages.studio import Open

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in TERMS.glob("*.md"))
TYPESET = """
    alpha approx ast bar begin Big big bigcup binom cdot end eta exists exp forall frac ge hat iff in int lambda le left
    ln lvert lVert max min partial pm prec qquad right rvert rVert sqrt sum text tfrac tilde top
"""
"""What the formulas use of LaTeX: all of it was seen in a browser, typeset by Streamlit's KaTeX."""
FORMULA = re.compile(r"\$\$\n(.+?)\n\$\$|\$([^$]+)\$", re.DOTALL)


def text_of(name: str) -> str:
    return (TERMS / f"{name}.md").read_text("utf-8")


def asked() -> list[tuple[str, ...]]:
    """The terms of each row on the pages; whatever is not written out there cannot be checked."""
    rows = []
    for path in (ROOT / "pages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "terms":
                assert all(isinstance(each, ast.Constant) for each in node.args), f"{path.name}:{node.lineno}"
                rows.append(tuple(str(each.value) for each in node.args if isinstance(each, ast.Constant)))
    return rows


def test_pages_ask_for_the_terms_that_there_are() -> None:
    rows = asked()
    assert {name for row in rows for name in row} == set(NAMES)
    assert all(len(set(row)) == len(row) for row in rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_term_is_explained_in_few_words_with_its_source_and_its_code(name: str) -> None:
    text = text_of(name)
    title, *paragraphs, source, code = text.strip().split("\n\n")
    assert re.fullmatch(r"\*\*[^*\n]+\*\*", title)
    prose = " ".join(each for each in paragraphs if not each.startswith("$"))
    assert 2 <= len(re.findall(r"[.?!](?=\s|$)", prose)) <= 6 and len(prose.split()) <= 90
    assert re.match(
        r"Source: (?:.*\b(1[89]|20)\d\d\b|.*definition is this program's|.*\]\(https://)", source, re.DOTALL
    )
    assert not re.search(r"<\w|http://", text)
    assert all(len(line) <= 120 for line in text.splitlines())
    # A formula that is broken over lines must not begin one with what Markdown takes for a list.
    assert not re.search(r"^([-+*]|\d+\.) ", text, re.MULTILINE)
    places = re.findall(r"`([\w.]+)`", code)
    assert code.startswith("In the code: ") and places
    for place in places:
        assert defined(place), place


def defined(place: str) -> bool:
    """Whether `package.module.name`, or a method of a class of it, is defined there; nothing is imported for it."""
    parts = place.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
        if file.is_file():
            inside: ast.AST = ast.parse(file.read_text("utf-8"))
            break
    else:
        return False
    for part in parts[length:]:
        kinds = (ast.FunctionDef, ast.ClassDef)
        found = [each for each in ast.iter_child_nodes(inside) if isinstance(each, kinds) and each.name == part]
        if not found:
            return False
        inside = found[0]
    return length < len(parts)


def test_what_is_not_there_is_not_defined() -> None:
    assert not defined("compressor_core.cost.nothing") and not defined("compressor_core.nothing.cost")
    assert not defined("compressor_core.cost")


@pytest.mark.parametrize("name", NAMES)
def test_formulas_are_whole(name: str) -> None:
    text = text_of(name)
    assert "$" not in FORMULA.sub("", text)
    for display, inline in FORMULA.findall(text):
        formula = display or inline
        bare = re.sub(r"\\[{}|]", "", formula)
        assert bare.count("{") == bare.count("}")
        assert formula.count("\\left") == formula.count("\\right")
        assert formula.count("(") == formula.count(")")
        assert set(re.findall(r"\\([A-Za-z]+)", formula)) <= set(TYPESET.split())


def value(formula: str, **genes: int) -> int:
    """A polynomial as it is written for readers: single letters, products without a sign."""
    plain = re.sub(r"\\,|\s", "", formula).replace("^", "**")
    return int(eval(re.sub(r"(?<=[\w)])(?=[a-z(])", "*", plain), {}, genes))


def test_the_formulas_of_costs_are_those_of_the_code() -> None:
    formulas = {
        name: max((inline for _, inline in FORMULA.findall(text_of(name))), key=len)
        for name in ("parameters", "paper-gflops", "forward-gflops")
    }
    rng = random.Random(0)
    for _ in range(50):
        heads = rng.choice([1, 2, 4, 8])
        architecture = Architecture(
            vocab_size=rng.randrange(300, 50_000),
            hidden_size=heads * rng.randrange(4, 90),
            num_hidden_layers=rng.randrange(1, 13),
            num_attention_heads=heads,
            intermediate_size=rng.randrange(32, 3_000),
        )
        v, h, l, a, i = map(int, (gene[0] for gene in Genes.of([architecture])))  # noqa: E741
        tokens = rng.randrange(1, 513)
        known = {"v": v, "h": h, "l": l, "a": a, "i": i, "s": 514, "n": tokens}
        price = cost(architecture, sequence_length=tokens)
        assert value(formulas["parameters"], **known) == price.parameters
        assert value(formulas["paper-gflops"], **known) == int(paper_flops(Genes.of([architecture]))[0])
        assert value(formulas["forward-gflops"], **known) == round(price.forward_gflops * 1e9)


def test_a_term_is_drawn_with_its_source_small() -> None:
    title, text = explained("temperature")
    assert title == "Temperature"
    assert ":small[Source: [Hinton" in text and text.endswith("soft_label_divergence`]")


def test_a_page_shows_its_terms_and_leads_on(open_page: Open) -> None:
    at = open_page("start")
    labels = list(popovers(at.main))
    assert labels[:2] == ["Teacher", "Student"]
    assert at.get("page_link")[-1].proto.page == "search"
    assert at.markdown[-1].value == TABS[1].question


def popovers(block: Any) -> Iterator[str]:
    for child in block.children.values():
        if getattr(child, "type", "") == "popover":
            yield child.proto.popover.label
        if hasattr(child, "children"):
            yield from popovers(child)


def test_every_page_answers_a_question() -> None:
    assert all(tab.question.endswith("?") for tab in TABS)
