"""Code that the grammars read in an unusual way: the variables that a reader sees, and where their values come from."""

from __future__ import annotations

import pytest

from compressor_core.dataflow import extract
from compressor_core.language import Language


def flows(code: str, language: Language) -> list[str]:
    """Each variable with an edge, in order: its name and the names that its value comes from."""
    nodes = extract(code, language).nodes
    return [f"{node.name} <- {' '.join(nodes[e.source].name for e in node.edges)}" for node in nodes if node.edges]


BODY = "{ int y = x; return y; }"
IN_BODY = ["y <- x", "x <- x", "y <- y"]

CASES = {
    "K&R, a pointer is returned": (
        Language.C,
        "char *f(s, n)\nchar *s;\nint n;\n{ char *p = s; int k = n; p[k] = 0; return p; }",
        ["p <- s", "s <- s", "k <- n", "n <- n", "p <- p", "k <- k", "p <- p"],
    ),
    "a macro with arguments before the type": (
        Language.C,
        "static __printf(2, 3) int f(struct sk *skb, const char *fmt, ...)\n"
        "{\n\tint n;\n\tchar *buf;\n\tbuf = data(skb);\n\tn = put(buf, fmt);\n\treturn n;\n}",
        ["buf <- skb", "skb <- skb", "n <- buf fmt", "buf <- buf", "fmt <- fmt", "n <- n"],
    ),
    "a macro that makes a keyword look like a name": (
        Language.C,
        "int f(int x) {\n  DECL(y)\n  int z = x;\n  return z;\n}",
        ["z <- x", "x <- x", "z <- z"],
    ),
    "signatures in both branches of #ifdef": (
        Language.C,
        f"#ifdef A\nint f(int x)\n#else\nint f(long x)\n#endif\n{BODY}",
        ["y <- x", "x <- x x", "y <- y"],
    ),
    "a second function after such a body": (
        Language.C,
        f"#ifdef A\nint f(int x)\n#endif\n{BODY}\nint g(int x) {BODY}\nint h(void) {{ return x; }}",
        IN_BODY * 2,
    ),
    "a prototype declares nothing for what follows": (
        Language.C,
        "int g(int x);\nint f(int a) { return a + x; }",
        ["a <- a"],
    ),
    "a system call of Linux": (
        Language.C,
        "SYSCALL_DEFINE3(read, unsigned int, fd, char __user *, buf, size_t, count)"
        "{int r=do_read(fd,buf,count);return r;}",
        ["r <- fd buf count", "fd <- fd", "buf <- buf", "count <- count", "r <- r"],
    ),
    "a compatible system call after a global variable, and one without parameters": (
        Language.C,
        "int p;\nCOMPAT_SYSCALL_DEFINE2(foo, struct x (*)(int, int), nr, /* a, b, */ struct t __user *const *, p)\n"
        "{\n\treturn g(nr, p, foo);\n}\nSYSCALL_DEFINE0(bar)\n{\n\treturn nr;\n}",
        ["nr <- nr", "p <- p"],
    ),
    "a call of BPF": (
        Language.C,
        "BPF_CALL_2(f, struct bpf_map *, map, void *, key)\n{ return map->get(map, key); }",
        ["map <- map", "map <- map", "key <- key"],
    ),
    "a call of another macro at file level declares nothing": (
        Language.C,
        "DEFINE3(f, int, a, int, b)\n{ return a + b; }",
        [],
    ),
    "backquotes of Python 2": (
        Language.PYTHON,
        "def f(x, z):\n    # it`s x\n    y = '`x' + `x + 1` + z\n    return g(`y`, `z, x`)\n",
        ["y <- x z", "x <- x", "z <- z", "y <- y", "z <- z", "x <- x"],
    ),
    "a type pattern": (
        Language.JAVA,
        "int f(Object e) { switch (e) { case String s: return s.length(); default: return 0; } }",
        ["e <- e", "s <- e", "s <- s"],
    ),
    "record patterns, and a guard": (
        Language.JAVA,
        "int f(Object o) { return switch (o) { case Pair(Point(int x, var y), int z) -> x + y + z; "
        "case String s when s.isEmpty() -> 1; default -> 0; }; }",
        ["o <- o", "x <- o", "y <- o", "z <- o", "x <- x", "y <- y", "z <- z", "s <- o", "s <- s"],
    ),
    "instanceof with a record pattern": (
        Language.JAVA,
        "int f(Object o) { if (o instanceof Point(int x, int y)) return x + y; return 0; }",
        ["o <- o", "x <- o", "y <- o", "x <- x", "y <- y"],
    ),
    "the names of constants in a switch are not declared": (
        Language.JAVA,
        "int f(int k) { int n = 0; switch (k) { case A: n = k; break; default: n = A; } return n; }",
        ["k <- k", "n <- k", "k <- k", "n <- n n n"],
    ),
    "Python 2's except": (
        Language.PYTHON,
        "def f(x):\n    try:\n        g(x)\n    except ValueError, e:\n        h(e)\n",
        ["x <- x", "e <- e"],
    ),
    "Python 3's except": (
        Language.PYTHON,
        "def f(x):\n    try:\n        g(x)\n    except (A, B) as e:\n        h(e)\n    except C:\n        h(x)\n",
        ["x <- x", "e <- e", "x <- x"],
    ),
}

KNR = {
    "struct s *f(a, b)\nchar **a;\nint b;\n{ char *p = a[0]; return g(p, b); }": "p <- a, a <- a, p <- p, b <- b",
    "FILE *f(a, b)\nFILE **a;\nint b;\n{ return g(a, b); }": "a <- a, b <- b",
    "struct s *f(a)\nchar **a;\n{ return g(a); }": "a <- a",
    "static char *next(line, n, to)\nint n;\nstruct s ***to;\n{ return g(to, line, n); }": (
        "to <- to, line <- line, n <- n"
    ),
    "u32 *f(call, n)\nint (*call)();\nu32 **n;\n{ return call(*n); }": "call <- call, n <- n",
    "FILE **f(a, b)\nstruct a **a, *b;\n{ *a = b; return a; }": "a <- a b, b <- b, a <- a",
    "int f(a, b)\nchar **b;\n{ return g(a, b); }": "a <- a, b <- b",
    "FILE *f(s)\nFILE *s;\n{ return g(s, sizeof(FILE)); }": "s <- s",
}

MACROS = {
    "FOO(y)\n return x;": "x <- x",
    "FOO(y)\n return (x);": "x <- x",
    "FOO(y)\n return g(x, 1);": "x <- x",
    "FOO(x)\n return *x;": "x <- x, x <- x",
    "x = z; TRACE(y)\n return x;": "x <- z, z <- z, x <- x",
    "BEGIN(y)\n TRACE(w)\n return x;": "x <- x",
    "BEGIN(y)\n TRACE(w)\n END(v)\n u32 k; k = x; return k;": "k <- x, x <- x, k <- k",
    "if (z) { FOO(y)\n return x; }": "z <- z, x <- x",
    "for (;;) { switch (z) { case 1: FOO(y)\n return x; } }": "z <- z, x <- x",
    "out: FOO(y)\n return x;": "x <- x",
    "\n#ifdef Y\n FOO(y)\n#endif\n return x;": "x <- x",
    "FOO(y) // (\n return x; /* BAR(y) return */": "x <- x",
    "FOO(y)\n x++; g(x);": "x <- x, x <- x",
    "FOO(y)\n x += z; g(x);": "x <- x z, z <- z, x <- x",
    "FOO(y)\n x->n = z; g(x);": "x <- x z, z <- z, x <- x",
    "FOO(y)\n g(x);": "x <- x",
    "FOO(y)\n while (x) x--;": "x <- x x, x <- x x",
    "FOO(y)\n if (x) z = 1; g(z);": "x <- x, z <- z z",
    "EACH(x) { x = z; } g(x);": "x <- x, x <- z, z <- z, x <- x",
    "GUARD(m) size_t k = x; return k;": "k <- x, x <- x, k <- k",
    "TRACE(y)\n u32 k = x, *l = z; g(k, l);": "k <- x, x <- x, l <- z, z <- z, k <- k, l <- l",
    "TRACE(y)\n const u32 k[2] = {x}; g(k);": "k <- x, x <- x, k <- k",
    "if (z) { TRACE(y)\n struct s *k = x; g(k); }": "z <- z, k <- x, x <- x, k <- k",
    "T k[] = { FOO(x) BAR(x) };": "k <- x x, x <- x, x <- x",
    "LIST(y) k = x; g(k);": "k <- x, x <- x, k <- k",
    "LIST(y) *k = x, l[2]; g(k, l);": "k <- x, x <- x, k <- k, l <- l",
    "typeof(y) k = x; g(k);": "k <- x, x <- x, k <- k",
    "__attribute__((unused)) int k = x; g(k);": "k <- x, x <- x, k <- k",
}

IMPLICIT = {
    "f(a) { int k = a; return k; }": "k <- a, a <- a, k <- k",
    "sum(first, last) { return first + last; }": "first <- first, last <- last",
    "static *f(a) { return g(a); }": "a <- a",
    "f(a, b)\nchar **a;\n{ return g(a, b); }": "a <- a, b <- b",
    "f(a)\nu32 a;\n{ return a; }": "a <- a",
    "main(int argc, char **argv)\n{\n return g(argc, argv);\n}": "argc <- argc, argv <- argv",
    "f(struct s *a, u32 b, int (*c)(int), ...) { return c(a, b); }": "c <- c, a <- a, b <- b",
    "f(a) { return a; }\ng(b) { TRACE(y)\n return b; }": "a <- a, b <- b",
    "LINE(y)\nint f(int a) { return a; }": "a <- a",
    "API(int) f(int a) { return a; }": "a <- a",
    "int f(void) { return a; }": "",
    "TEST(a) { return 1; }\nint f(int b) { return a + b; }": "b <- b",
}


@pytest.mark.parametrize("code", [*KNR, *IMPLICIT])
def test_a_signature_of_old_c_keeps_its_parameters(code: str) -> None:
    assert ", ".join(flows(code, Language.C)) == (KNR | IMPLICIT)[code]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("body", MACROS)
def test_the_call_of_a_macro_without_a_semicolon_is_a_statement(body: str, newline: str) -> None:
    code = f"int ü(int x, int z) {{ {body} }}".replace("\n", newline)
    assert ", ".join(flows(code, Language.C)) == MACROS[body]
    found = extract(code, Language.C)
    assert all(code[token.start : token.end] == token.text for token in found.tokens)
    if "/*" not in code:
        assert "".join("".join(token.text.split()) for token in found.tokens) == "".join(code.split())


def test_parameters_in_k_and_r_style_are_those_declared_before_the_body() -> None:
    code = "struct s *f(a)\nchar **a;\n{ return g(a); }"
    assert [record["start"] for record in extract(code, Language.C).to_records()] == [
        code.index("a;"),
        code.rindex("a"),
    ]


@pytest.mark.parametrize("name", CASES)
def test_the_variables_are_those_that_a_reader_sees(name: str) -> None:
    language, code, expected = CASES[name]
    assert flows(code, language) == expected
