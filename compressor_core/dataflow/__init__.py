"""Data flow of a function, as GraphCodeBERT reads it (Guo et al., ICLR 2021, Section 3), for C, Java and Python."""

from __future__ import annotations

from compressor_core.dataflow.flow import DataFlow, Edge, Node, Relation, Token
from compressor_core.language import Language

__all__ = ["DataFlow", "Edge", "Node", "Relation", "Token", "extract"]


def extract(code: str, language: Language) -> DataFlow:
    """The tokens of a function and the data flow between its variables.

    Text that cannot be parsed, nests too deeply or is too large has tokens and no nodes; nothing raises.
    """
    from compressor_core.dataflow import c, java, python, syntax
    from compressor_core.dataflow.reading import Reading, TooManyEdges

    handlers = {Language.C: c.HANDLERS, Language.JAVA: java.HANDLERS, Language.PYTHON: python.HANDLERS}
    tokens, tree = syntax.read(code, language)
    if tree is None:
        return DataFlow(tokens, ())
    reading = Reading(handlers[language])
    try:
        reading.run(tree)
    except TooManyEdges:
        return DataFlow(tokens, ())
    return DataFlow(tokens, reading.nodes())
