"""What data-flow extraction finds in a function: tokens, occurrences of variables, and where their values come from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Relation(StrEnum):
    """How a value reaches an occurrence: handed on as it is, or computed by an assignment from others."""

    COMES_FROM = "comesFrom"
    COMPUTED_FROM = "computedFrom"


@dataclass(frozen=True)
class Token:
    """A leaf of the syntax tree: `code[start:end] == text`, offsets in characters."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Edge:
    """The value comes from the node `source` (an index into the nodes), by this relation."""

    source: int
    relation: Relation


@dataclass(frozen=True)
class Node:
    """One occurrence of a variable: its token (an index into the tokens), its name, and where its value comes from."""

    token: int
    name: str
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class DataFlow:
    """The tokens of a function and, in the order of their tokens, the occurrences of variables that take part in a
    flow."""

    tokens: tuple[Token, ...]
    nodes: tuple[Node, ...]

    @property
    def edges(self) -> int:
        """How many edges there are."""
        return sum(len(node.edges) for node in self.nodes)

    def to_records(self) -> list[dict[str, Any]]:
        """One plain record a node, with the offsets of its name in the code and its edges, as the figures take it."""
        return [
            {
                "name": node.name,
                "start": self.tokens[node.token].start,
                "end": self.tokens[node.token].end,
                "edges": [{"source": edge.source, "relation": edge.relation.value} for edge in node.edges],
            }
            for node in self.nodes
        ]
