"""Which value flows where: exact edges of small functions, offsets, and texts that are no functions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from compressor_core.dataflow import DataFlow, Relation, extract
from compressor_core.dataflow.syntax import DEEPEST, LONGEST
from compressor_core.language import Language

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
SIGN = {Relation.COMES_FROM: "<", Relation.COMPUTED_FROM: "="}


def flows(code: str, language: Language, given: str = "") -> set[str]:
    """Every edge: `x2<x1` if the second token x takes the first one's value, `y1=x2` if it is computed from it.

    The letters of `given` are variables of which the code says nothing else; where their values go is passed over.
    """
    code = "".join(f"{letter} = 0\n" for letter in given) + code
    found = extract(code, language)
    count = Counter(dict.fromkeys(given, -1))
    labels = []
    for token in found.tokens:
        count[token.text] += 1
        labels.append(f"{token.text}{count[token.text]}")
    nodes = [labels[node.token] for node in found.nodes]
    assert all(found.tokens[node.token].text == node.name for node in found.nodes)
    assert [node.token for node in found.nodes] == sorted({node.token for node in found.nodes})
    return {
        f"{nodes[at]}{SIGN[edge.relation]}{nodes[edge.source]}"
        for at, node in enumerate(found.nodes)
        for edge in node.edges
        if nodes[edge.source] not in {f"{letter}0" for letter in given}
    }


def c(body: str) -> set[str]:
    return flows(f"void f(void) {{ {body} }}", Language.C)


def java(body: str) -> set[str]:
    return flows(f"void f() {{ {body} }}", Language.JAVA)


def python(code: str, given: str = "") -> set[str]:
    return flows(code, Language.PYTHON, given)


@pytest.mark.parametrize("read", [c, java])
def test_an_assignment_is_computed_from_its_value_and_a_use_comes_from_the_assignment(read) -> None:  # type: ignore[no-untyped-def]
    assert read("int a = 1; int b; b = a; g(b);") == {"a2<a1", "b2=a2", "b3<b2"}
    assert read("int a; int b = a; b = 2; g(b);") == {"a2<a1", "b1<a2", "b3<b2"}
    assert read("int a, b, c; a = b = c;") == {"b2=c2", "c2<c1", "a2=b2", "a2=c2"}


@pytest.mark.parametrize("read", [c, java])
def test_what_is_updated_is_computed_from_what_it_was(read) -> None:  # type: ignore[no-untyped-def]
    assert read("int a = 1; a++; g(a);") == {"a2=a1", "a3<a2"}
    assert read("int a = 1; --a;") == {"a2=a1"}
    assert read("int a = 1, b = 2; a += b;") == {"b2<b1", "a2=a1", "a2=b2"}


@pytest.mark.parametrize("read", [c, java])
def test_branches_merge(read) -> None:  # type: ignore[no-untyped-def]
    assert read("int a = 1; if (a > 0) a = 2; g(a);") == {"a2<a1", "a4<a1", "a4<a3"}
    assert read("int a = 1; if (h()) a = 2; else a = 3; g(a);") == {"a4<a2", "a4<a3"}
    assert read("int a = 1; if (h()) a = 2; else if (k()) a = 3; g(a);") == {"a4<a1", "a4<a2", "a4<a3"}
    assert read("int a = 1; if (h()) { int b = 2; g(b); } else { g(a); }") == {"b2<b1", "a2<a1"}


@pytest.mark.parametrize("read", [c, java])
def test_loops_carry_values_round(read) -> None:  # type: ignore[no-untyped-def]
    assert read("int a = 1; while (h()) { g(a); a = 2; } k(a);") == {"a2<a1", "a2<a3", "a4<a1", "a4<a3"}
    assert read("int a = 1; do { g(a); a = 2; } while (h()); k(a);") == {"a2<a1", "a2<a3", "a4<a3"}
    assert read("for (int i = 0; i < 9; i++) g(i);") == {"i2<i1", "i2<i3", "i3=i1", "i3=i3", "i4<i1", "i4<i3"}
    assert read("int a = 1; while (h()) { while (k()) { g(a); } a = 2; }") == {"a2<a1", "a2<a3"}
    assert read("int a = 1, b = 2; while (h()) { while (k()) { a = b; } b = a; }") == {
        *("b2<b1", "b2<b3", "a2=b2"),
        *("a3<a1", "a3<a2", "b3=a3"),
    }


@pytest.mark.parametrize("read", [c, java])
def test_cases_are_entered_from_above_or_from_before_all(read) -> None:  # type: ignore[no-untyped-def]
    assert read("int a = 1; switch (a) { case 1: a = 2; case 2: g(a); break; default: a = 3; } k(a);") == {
        *("a2<a1", "a4<a1", "a4<a3"),
        *("a6<a1", "a6<a3", "a6<a5"),
    }


@pytest.mark.parametrize("read", [c, java])
def test_an_index_is_read_and_the_rest_of_an_array_stays(read) -> None:  # type: ignore[no-untyped-def]
    assert read("int i = 0, v = 1; a[i] = v; a[i] = 2; g(a);") == {
        *("i2<i1", "i3<i1", "v2<v1"),
        *("a1=v2", "a2<a1", "a3<a2"),
    }


def test_c_parameters_pointers_and_fields() -> None:
    code = "int f(struct s *p, char **q, int n[3], int (*cb)(int)) { p->x = n[0]; *q = p->y; return cb(q); }"
    assert flows(code, Language.C) == {
        *("n2<n1", "p2<p1", "p2=n2"),
        *("p3<p2", "q2<q1", "q2=p3"),
        *("cb2<cb1", "q3<q2"),
    }
    assert c("char *q, *p = q, a[n]; (*p)++; g(&a);") == {"q2<q1", "p1<q2", "p2<p1", "a2<a1"}
    assert c("int g(int); int (*h)(int) = g; x = g(1); h(2);") == {"h2<h1"}


def test_names_that_the_function_does_not_define_are_no_variables() -> None:
    assert c("x = LIMIT; y = LIMIT; z = LIMIT + y;") == {"z1=y2", "y2<y1"}
    assert flows("class A { void f() { g(LIMIT); g(LIMIT); } }", Language.JAVA) == set()
    assert python("x = LIMIT\ng(LIMIT, x, size)\nsize = 1\ng(size)\n") == {"x2<x1", "size3<size2"}


def test_c_reads_functions_with_directives_and_labels() -> None:
    code = "int f(int a)\n{\n#ifdef a\n    a = 1;\n#endif\nout:\n    goto out;\n    return a; /* a */ // a\n}\n"
    assert flows(code, Language.C) == {"a4<a3"}


def test_java_parameters_for_each_and_this() -> None:
    code = "int f(int[] xs, String... rest) { for (int x : xs) this.n += x; return n + rest.length; }"
    assert flows(code, Language.JAVA) == {
        *("xs2<xs1", "x1=xs2", "x2<x1"),
        *("n1=n1", "n1=x2", "n2<n1", "rest2<rest1"),
    }


def test_java_try_lambda_and_instanceof() -> None:
    assert java("int a = 1; try (R r = g(a)) { a = 2; h(r); } catch (E e) { k(e, a); } finally { k(a); }") == {
        *("a2<a1", "r1<a2", "r2<r1"),
        *("e2<e1", "a4<a1", "a4<a3", "a5<a1", "a5<a3"),
    }
    assert java("int a = 1; F g = (a, b) -> a + b; F h = x -> x + a;") == {
        *("a3<a2", "b2<b1", "g1<a2", "g1<b1", "g1<a3", "g1<b2"),
        *("x2<x1", "a4<a1", "h1<x1", "h1<x2", "h1<a4"),
    }
    assert java("Object o; if (o instanceof A p) g(p);") == {"o2<o1", "p1<o2", "p2<p1"}


def test_java_names_that_are_no_variables() -> None:
    assert java("out: while (h()) { out.g().out(); break out; }") == set()
    assert java("int size = 1; a.size = 2; b.size(); g(size);") == {"size4<size1"}


def test_python_parameters_and_assignments() -> None:
    assert python("def f(a, b=1, *c, d: int = 2, **e):\n    return a, b, c, d, e\n") == {
        *("a2<a1", "b2<b1", "c2<c1", "d2<d1", "e2<e1"),
    }
    assert python("def f(a, b=x, c: int = x):\n    pass\n", "x") == {"b1<x1", "c1<x2"}
    assert python("a = b\nc = a\nc += a\n", "b") == {"a1=b1", "a2<a1", "c1=a2", "a3<a1", "c2=a3", "c2=c1"}
    assert python("a: int = b\ng(a)\n", "b") == {"a1=b1", "a2<a1"}
    assert python("a = b = c\n", "c") == {"b1=c1", "a1=b1", "a1=c1"}
    assert python("if (n := g(m)): h(n)\n", "m") == {"n1=m1", "n2<n1"}
    assert python("o.x = a\no[i] = a\n", "oai") == {"o1=a1", "o2<o1", "o2=a2"}


def test_python_tuples_are_assigned_one_by_one() -> None:
    assert python("a, b = b, a\n", "ab") == {"a1=b2", "b1=a2"}
    assert python("a, b = 1, c\n", "c") == {"b1=c1"}
    assert python("a, (b, d) = x, (y, z)\n", "xyz") == {"a1=x1", "b1=y1", "d1=z1"}
    assert python("a, *b = x\n", "x") == {"a1=x1", "b1=x1"}


def test_python_blocks() -> None:
    assert python("with open(p) as f, g() as (a, b):\n    h(f, a)\n", "p") == {"f1=p1", "f2<f1", "a2<a1"}
    assert python("a = 1\nif x:\n    a = 2\nelif y:\n    a = 3\ng(a)\n") == {"a4<a1", "a4<a2", "a4<a3"}
    assert python("a = 1\nif x:\n    a = 2\nelse:\n    a = 3\ng(a)\n") == {"a4<a2", "a4<a3"}
    assert python("for a, b in x:\n    g(a)\nelse:\n    h(b)\n", "x") == {"a1=x1", "b1=x1", "a2<a1", "b2<b1"}
    assert python("a = 1\nwhile a:\n    a = g(a)\nh(a)\n") == {
        *("a2<a1", "a2<a3", "a3=a4", "a4<a1", "a4<a3", "a5<a1", "a5<a3"),
    }
    assert python("try:\n    a = 1\nexcept E as e:\n    g(e)\nelse:\n    a = 2\nh(a)\n", "E") == {
        *("e1=E1", "e2<e1", "a3<a1", "a3<a2"),
    }
    assert python("match s:\n    case P(x, y=z): g(x, z)\n    case [q]: h(q)\n", "s") == {
        *("x1=s1", "z1=s1", "x2<x1", "z2<z1", "q1=s1", "q2<q1"),
    }


def test_python_inner_names_stay_inside() -> None:
    assert python("x = 1\ny = [x for x in z if x]\ng(x)\n", "z") == {
        *("x3=z1", "x2<x3", "x4<x3", "x5<x1"),
        *("y1=x2", "y1=x3", "y1=x4", "y1=z1"),
    }
    assert python("x = 1\ng(lambda x: x)\ndef h(x): return x\nk(x)\n") == {"x3<x2", "x5<x4", "x6<x1"}


def test_python_names_that_are_no_variables() -> None:
    assert python("import a\na.b(c=1)\nd.b(c=2)\n@e\nclass F:\n    def b(self, x: c): self.b()\n") == {"self2<self1"}
    assert python('a = 1\ng("a", f"{a}")\n') == set()


def test_comments_and_docstrings_are_no_tokens() -> None:
    found = extract('# a\ndef f():\n    """Doc."""\n    # b\n    g("text")  # c\n    "kept"\n', Language.PYTHON)
    assert [token.text for token in found.tokens] == ["def", "f", "(", ")", ":", "g", "(", '"text"', ")", '"kept"']
    for language in (Language.C, Language.JAVA):
        found = extract('/* a */ int x = 1; // b\nchar y; /* "', language)
        assert [token.text for token in found.tokens][:8] == ["int", "x", "=", "1", ";", "char", "y", ";"]


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("text", ["größe", "变量", "naïve_x"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_offsets_are_those_of_characters(language: Language, text: str, newline: str) -> None:
    code = {
        Language.C: f'int f(int {text}){newline}{{{newline}  g("…🙂");{newline}  return {text};{newline}}}',
        Language.JAVA: f'int f(int {text}){newline}{{{newline}  g("…🙂");{newline}  return {text};{newline}}}',
        Language.PYTHON: f'def f({text}):{newline}  g("…🙂"){newline}  return {text}{newline}',
    }[language]
    found = extract(code, language)
    assert all(code[token.start : token.end] == token.text for token in found.tokens)
    assert [(record["name"], record["start"]) for record in found.to_records()] == [
        (text, code.index(text)),
        (text, code.rindex(text)),
    ]
    assert [record["edges"] for record in found.to_records()] == [[], [{"source": 0, "relation": "comesFrom"}]]
    assert "".join("".join(t.text.split()) for t in found.tokens) == "".join(code.split())


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "\0\0\0", "(" * 20_000, "x = \ud800", "<<<<<<< HEAD\n=======\n>>>>>>>", "😀" * 50, '"' * 99],
    ids=["empty", "blank", "NUL", "open brackets", "surrogate", "merge", "emoji", "quotes"],
)
def test_what_is_no_function_has_no_data_flow(language: Language, text: str) -> None:
    found = extract(text, language)
    assert found.nodes == ()
    assert all(text[token.start : token.end] == token.text for token in found.tokens)


def test_prose_has_no_data_flow() -> None:
    assert extract("No code at all, and no code is what it is; no more of it.", Language.C).nodes == ()


def test_a_nul_byte_inside_a_function_does_no_harm() -> None:
    assert flows("int f(int a) { \0 return a; }", Language.C) == {"a2<a1"}


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("int f(int a) { return %s; }", Language.C),
        ("int f(int a) { return %s; }", Language.JAVA),
        ("def f(a): return %s\n", Language.PYTHON),
    ],
)
def test_deep_nesting_has_tokens_and_no_data_flow(code: str, language: Language) -> None:
    def nested(levels: int) -> DataFlow:
        return extract(code % ("(" * levels + "a" + ")" * levels), language)

    deep = nested(20_000)
    assert deep.nodes == () and len(deep.tokens) > 40_000
    assert nested(DEEPEST).nodes == ()
    assert len(nested(DEEPEST // 2).nodes) == 2


def test_large_functions() -> None:
    found = extract("int f(int a, int *b) {" + "a = a + b[a]; " * 10_000 + "}", Language.C)
    assert len(found.tokens) > 90_000 and len(found.nodes) == 40_002
    switch = "int f(int a) { switch (a) {" + "case 1: x = 1; " * 1_000 + "}" + "g(x);" * 1_000 + "}"
    assert extract(switch, Language.C).nodes == ()
    long = extract("int f(int a) {" + "g(a); " * (LONGEST // 5) + "}", Language.C)
    assert long.nodes == () and long.tokens[-1].end <= LONGEST


def test_deeply_nested_loops_are_not_exponential() -> None:
    assert "x1=x1" in c("while (h()) {" * 40 + "x += y;" + "}" * 40)


def test_importing_it_loads_no_parser() -> None:
    program = "import sys, compressor_core.dataflow; assert not [m for m in sys.modules if m.startswith('tree_sitter')]"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def _sample(path: str) -> list[str]:
    if not (SHARED / path).is_file():
        pytest.skip(f"../shared/data/{path} is not beside this checkout")
    return [json.loads(line)["func"] for line in (SHARED / path).read_text("utf-8").splitlines()]


def test_nearly_all_functions_of_devign_have_data_flow() -> None:
    found = [extract(code, Language.C) for code in _sample("devign/sample.jsonl")]
    assert len(found) == 1_366
    assert sum(1 for flow in found if flow.nodes) >= 1_330
    assert 50 < sum(len(flow.nodes) for flow in found) / len(found) < 80
    assert all(flow.tokens for flow in found)


def test_all_functions_of_bigclonebench_have_data_flow() -> None:
    found = [extract(code, Language.JAVA) for code in _sample("bigclonebench/data.jsonl")]
    assert len(found) == 455 and all(flow.nodes for flow in found)
