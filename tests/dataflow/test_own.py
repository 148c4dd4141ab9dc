"""Which names are a function's own: what is bound in sight of every use, and nothing that may mean something else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from compressor_core.dataflow.own import own_names
from compressor_core.dataflow.syntax import LONGEST
from compressor_core.language import Language

ROOT = Path(__file__).resolve().parents[2]


def own(code: str, language: Language) -> str:
    """The function's own names in their order; each stands where it is said to."""
    found = own_names(code, language)
    source = code.encode("utf-8", "surrogatepass")
    for name, places in found.positions.items():
        assert places and all(source[at:].startswith(name.encode()) for at in places)
    return " ".join(found.positions)


def c(body: str) -> str:
    return own(f"int f(int a) {{ {body} }}", Language.C)


def java(body: str) -> str:
    return own(f"int f(int a) {{ {body} }}", Language.JAVA)


def python(code: str) -> str:
    return own(code, Language.PYTHON)


def test_where_a_name_stands() -> None:
    found = own_names("int f(int a) { return a + s->a; }", Language.C)
    assert found.positions == {"a": [10, 22]}
    assert own_names("def f(ü, a): return a\n", Language.PYTHON).positions == {"ü": [6], "a": [10, 21]}


def test_c_parameters_and_variables() -> None:
    assert own("char **f(s *p, int n[3], int (*cb)(int z), char *q) { }", Language.C) == "p n cb z q"
    assert c("static int b = 1, *d, e[2]; for (int i = 0; i < a; i++) b += i;") == "a b d e i"
    assert own("int f(a, b) int a; int b; { return a; }", Language.C) == ""


def test_c_names_that_mean_something_else_are_not_its_own() -> None:
    assert c("g(LIMIT, a); x = a; s.b = a; goto out; out: ;") == "a"
    assert c("{ int b; g(b); } g(b);") == "a"
    assert c("g(b); int b;") == "a"
    assert c("extern int b; int g(int); g(b);") == "a"
    assert c("struct s t = { .a = 1 }; t.t = a;") == "a t"
    assert c("T T = a; int (b);") == "a"
    assert own("int x; int f(int a) { return x + a; }", Language.C) == "a"


def test_c_what_the_preprocessor_reads_is_not_its_own() -> None:
    assert c("int b, d, e;\n#define NEXT a + d##_x\n#ifdef e\n#endif\n#if b > 1\n#endif\n") == ""
    assert c("int b, d;\n FOREACH(b, a->list, next) g(b);  g(d);") == "a d"
    assert c('\n#ifdef X\nint b = 1; g(b);\n#else\n#include "b.h"\n#endif\n g(a);') == "a b"
    assert c("\n#ifdef X\nint b = 1;\n#endif\n g(a, b);") == "a"
    assert own("#ifdef X\nint x;\nint f(int a) { return x + a; }\n#endif\n", Language.C) == "a"


def test_java_parameters_and_variables() -> None:
    code = "void f(int a, String... b) { for (int x : b) { int c[] = {x}, d; } try (R r = g()) { } catch (E e) { } }"
    assert own(code, Language.JAVA) == "a b x c d r e"
    assert java("F g = (p, q) -> p + a; F h = z -> z; if (a instanceof A k) g(k);") == "a g p q h z k"


def test_java_names_that_mean_something_else_are_not_its_own() -> None:
    assert java("this.a = a;") == ""
    assert java("a.b(); int b = a.c; b(b); x = b; A::b;") == "a b"
    assert java("{ int b = 1; } g(b);") == "a"
    assert java("int b; b: while (true) break b;") == "a b"
    assert java("int b = 1; new F() { int d; int g(int e) { return b + d + e; } };") == "a e"
    assert java("int RED = 1; switch (a) { case RED: g(); }") == "a"
    assert own("class A { int x; void f(int a) { g(x, a); } }", Language.JAVA) == "a"
    assert java("for (A x : x) g(a);") == "a"


def test_python_parameters_and_variables() -> None:
    assert python("def f(a, b: int = 1, *c, d=2, e: str, **k):\n    return a\n") == "a b c d e k"
    assert (
        python("def f():\n    with g() as a, h() as (b, c): d = a\n    for e, (i, *j) in d: e += 1\n")
        == "a b c d e i j"
    )
    assert python("def f():\n    try: a = 1\n    except E as b: pass\n    if (c := a): return b\n") == "a b c"
    assert python("def f(x):\n    return [y for y in x], lambda z: z + x\n") == "x y z"
    assert python("def f(x):\n    def g(y): return g(x)\n    return g\n") == "x g y"
    assert python('def f(x, n):\n    return f"{x:>{n}} x"\n') == "x n"


def test_python_names_that_mean_something_else_are_not_its_own() -> None:
    assert python("def f(a, b):\n    return `a` + `c`, '`b`', b\n") == "a b"
    assert own_names("def f(a):\n    return `a`\n", Language.PYTHON).positions == {"a": [6, 22]}
    assert python("def f(self, a):\n    self.b = a.b\n    b = _ = __x = 1\n    return b\n") == "a b"
    assert python("def f(list: list, a=b, b=1): pass\n") == "a"
    assert (
        python("def f(a):\n    import b, c.d as e\n    from g import h\n    global i\n    i = b = h = e = a\n") == "a"
    )
    assert python("def f(a):\n    g([x for x in a])\n    h(x)\n") == "a"
    assert python("def f(a):\n    g([x for x in x])\n") == "a"
    assert python("def f(a, b):\n    g(a=a)\n    return b\n") == "b"
    assert python("def f(a):\n    class B:\n        a = 1\n        c = 2\n") == ""
    assert python("def f(a):\n    @g\n    def h(): pass\n    return h, a\n") == "a"
    assert python("def f(a, b):\n    match a:\n        case [b, c]: return c\n") == "a"
    assert python('def f(a, b):\n    return f"{a=} {b}"\n') == "b"
    assert python("x = 1\ndef f(a): return x + a\n") == "a"


@pytest.mark.parametrize("call", ["locals()", "eval('a')", "vars()", "exec(a)", "map(eval, a)"])
def test_a_python_function_that_looks_at_the_names_of_variables_has_none(call: str) -> None:
    assert python(f"def f(a):\n    return {call}\n") == ""
    assert python(f"def f(a):\n    return x.{call}\n") in ("a", "")
    assert python("def f(a, dir):\n    return g(dir)\n") == "a dir"


def test_what_stands_beside_an_error_is_not_its_own() -> None:
    code = "int f(int a, int w) {\n if (a) g();\n#ifdef X\n else if (s->w == 2) g(a);\n#endif\n return a; }"
    assert "w" not in own(code, Language.C).split()
    assert own("public A(String message, int b) { this(message, (String) null); g(b); }", Language.JAVA) == "b"
    assert "char" not in c("z_const unsigned char FAR *next; g(next, a);").split()


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(
    "text",
    ["", " \n", "\0\0", "(" * 9_000, "x = \ud800", "<<<<<<< HEAD\n=======\n>>>>>>>" * 9, "No code, and no code."],
    ids=["empty", "blank", "NUL", "open brackets", "surrogate", "merge", "prose"],
)
def test_what_is_no_function_has_no_names(language: Language, text: str) -> None:
    assert own(text, language) == ""


def test_what_is_too_long_or_too_deep() -> None:
    assert own("int f(int a) {" + "g(a); " * (LONGEST // 5) + "}", Language.C) == ""
    assert own("int f(int a) {" + "{" * 9_000 + "g(a);" + "}" * 9_000 + "}", Language.C) == "a"


def test_importing_it_loads_no_parser() -> None:
    program = (
        "import sys, compressor_core.dataflow.own; assert not [m for m in sys.modules if m.startswith('tree_sitter')]"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
