"""Data flow of a function for GraphCodeBERT (Guo et al., ICLR 2021, Section 3), for C, Java and Python.

A node is one occurrence of a variable, an edge says where its value comes from:

- `comesFrom`: a use takes the value of the occurrences that may have set it last; a declaration that of what it is
  initialised with;
- `computedFrom`: the target of an assignment, also of `+=`, `++`, `for … in` and `with … as`, from the variables on the
  other side and, where the old value goes into the new one, from the occurrences that set it.

The rules are those of the code released with GraphCodeBERT, so that models trained on its graphs can read these:
occurrences in the order of their tokens, those without any edge left out, comments no tokens, Python's strings one
token each, values followed through the branches of a condition and twice around a loop. A name is a variable from
where the function declares it or assigns to it, as in Compressor's extraction; what is only read (macros, constants,
classes, other functions) is none.

Where it is deliberately different:

- the released rules for C give no edge for any assignment, drop initialised declarations (a misspelt kind of node) and
  keep the value from before a complete `if`/`else`; here C follows the rules of Java;
- an occurrence is one node with several edges; there, a declaration or an assignment in C-like code is repeated for
  every source;
- nodes are variables; there, for Java and Python, also literals and every other name;
- what is assigned to a part (`a[i] = x`, `p->n = x`, `*p = x`) leaves the rest of the variable, and the index, as it
  was; there, `i` is taken for changed and the old `a` for gone. What follows a dot is no variable, except in Java's
  `this.x`;
- loops may run no turn, `switch`, `match` and `try` are branches, and a comprehension, a lambda or a nested function
  keeps its names to itself;
- patterns of Java's `switch` and `instanceof` declare their variables, Python 2's `except E, e` declares e, and a
  reserved word is never a variable; in C, signatures in branches of `#ifdef`, in the style of K&R and behind a macro
  with arguments keep their parameters;
- nothing is recursive: what is nested too deeply for a graph still has its tokens.

Not followed, there as here: jumps, what a called function does to its arguments, aliases, names in format strings.
"""

from __future__ import annotations

from compressor_core.dataflow import braces, python, syntax
from compressor_core.dataflow.reading import Reading, TooManyEdges
from compressor_core.dataflow.syntax import DataFlow, Edge, Node, Relation, Token
from compressor_core.language import Language

__all__ = ["DataFlow", "Edge", "Node", "Relation", "Token", "extract"]

_HANDLERS = {Language.C: braces.C, Language.JAVA: braces.JAVA, Language.PYTHON: python.HANDLERS}


def extract(code: str, language: Language) -> DataFlow:
    """The tokens of a function and the data flow between its variables.

    Whatever the text, nothing raises: what cannot be parsed, is nested too deeply or too large has no nodes.
    """
    tokens, tree = syntax.read(code, language)
    if tree is None:
        return DataFlow(tokens, ())
    reading = Reading(_HANDLERS[language])
    try:
        reading.run(tree)
    except TooManyEdges:
        return DataFlow(tokens, ())
    return DataFlow(tokens, reading.nodes())
