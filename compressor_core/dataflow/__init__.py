"""Data flow of a function for GraphCodeBERT (Guo et al., ICLR 2021, Section 3), for C, Java and Python.

A node is one occurrence of a variable; an edge shows where its value comes from:

- `comesFrom`: from a use to the occurrences that may have set the variable last; from a declaration to its initial
  value;
- `computedFrom`: from the target of an assignment (also of `+=`, `++`, `for … in` and `with … as`) to the variables on
  the other side and, if the old value contributes to the new one, to the occurrences that set it.

The rules are those of the code released with GraphCodeBERT, so that models trained on its graphs can read these:
occurrences are in token order, those without any edge are left out, comments are not tokens, each Python string is one
token, and values are followed through the branches of a condition and twice around a loop. A name is a variable from
its first declaration or assignment in the function, as in Compressor's extraction; names that are only read (macros,
constants, classes, other functions) are not variables.

Deliberate differences from the released code:

- its rules for C give no edge for any assignment, drop initialised declarations (a misspelt kind of node) and keep the
  value from before a complete `if`/`else`; here C follows the rules of Java;
- here an occurrence is one node with several edges; there, a declaration or an assignment in C-like code is repeated
  for every source;
- here nodes are only variables; there, for Java and Python, also literals and every other name;
- here an assignment to a part (`a[i] = x`, `p->n = x`, `*p = x`) leaves the rest of the variable, and the index,
  unchanged; there, `i` counts as changed and the old `a` as gone. A name after a dot is not a variable, except in
  Java's `this.x`;
- loops may run zero times, `switch`, `match` and `try` are branches, and names in a comprehension, a lambda or a nested
  function are local to it;
- patterns of Java's `switch` and `instanceof` declare their variables, Python 2's `except E, e` declares e, and a
  reserved word is never a variable; in C, signatures in branches of `#ifdef`, in K&R style, without a type and after a
  macro with arguments keep their parameters, as do Linux's `SYSCALL_DEFINE…(name, type, parameter, …)` and its like;
- in C, the call of a macro without `;` ends before a statement or a declaration (not before `x = …`, `x[…]` and `*x`,
  whose type the macro may be);
- Python 2's backquotes are brackets around an expression, not a string;
- nothing is recursive: code that is nested too deeply for a graph still has its tokens.

As in the released code, the following is not tracked: jumps, effects of a called function on its arguments, aliases,
names in format strings. C++ is read as far as the grammar of C does: a reference is a parameter, but a signature whose
type of return is qualified (`std::string f(…)`) or that has default values loses its parameters.
"""

from __future__ import annotations

from compressor_core.dataflow import braces, python, syntax
from compressor_core.dataflow.reading import Reading, TooManyEdges
from compressor_core.dataflow.syntax import DataFlow, Edge, Node, Relation, Token
from compressor_core.language import Language

__all__ = ["DataFlow", "Edge", "Node", "Relation", "Token", "extract"]

_HANDLERS = {Language.C: braces.C, Language.JAVA: braces.JAVA, Language.PYTHON: python.HANDLERS}


def extract(code: str, language: Language) -> DataFlow:
    """Tokens of a function and the data flow between its variables.

    Never raises: a text that cannot be parsed, or is nested too deeply or too large, has no nodes.
    """
    tokens, tree = syntax.read(code, language)
    if tree is None:
        return DataFlow(tokens, ())
    reading = Reading(_HANDLERS[language], tokens)
    try:
        reading.run(tree)
    except TooManyEdges:
        return DataFlow(tokens, ())
    return DataFlow(tokens, reading.nodes())
