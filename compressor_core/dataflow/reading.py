"""The walk that reads data flow: what is assigned to what, over branches and around loops, without recursion.

A state says, for every variable, which occurrences its value may come from at this point. Statements are taken in the
order in which they run; alternatives start from the same state and are merged behind it; a loop's body is taken twice,
so that what one turn assigns reaches what the next one reads. Jumps (break, return, goto) are not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from compressor_core.dataflow.flow import Edge, Node, Relation
from compressor_core.dataflow.syntax import Syntax

MOST_EDGES = 200_000
"""Edges beyond which a text is no function that anybody wrote, and its graph is given up."""

Step = Syntax | Callable[[], None]
Handler = Callable[["Reading", Syntax], Iterable[Step]]
State = dict[str, frozenset[int]]


class TooManyEdges(Exception):
    """More than MOST_EDGES."""


class Place:
    """Something a value can be put into: a variable, or a part of one (a field, an element, what it points to).

    `inside` are the expressions in it that are read, such as an index; `leaf` is None where no variable is behind it.
    """

    def __init__(self, leaf: Syntax | None, part: bool, inside: Sequence[Syntax]) -> None:
        self.leaf = leaf
        self.part = part
        self.inside = inside


def places(target: Syntax | None, parts: Mapping[str, tuple[str, str]], patterns: Container[str] = ()) -> list[Place]:
    """What the left side of an assignment writes to.

    Args:
        target: The left side; None if there is no variable in it.
        parts: By kind of node that names a part of something: the field with what it is a part of, and the field with
            the index, if it has one.
        patterns: Kinds that hold several targets, or one in brackets.
    """
    found = []
    waiting = [target] if target is not None else []
    while waiting:
        node: Syntax | None = waiting.pop()
        part, inside = False, []
        while node is not None and node.kind in parts:
            owner, index = parts[node.kind]
            inside += node.all(index)
            whole = node.child(owner)
            if whole is not None and whole.kind == "this":
                node = node.child("field")
            else:
                node, part = whole, True
        if node is None or node.kind == "identifier":
            found.append(Place(node, part, inside))
        elif node.kind in patterns and not part:
            waiting += reversed(node.children)
        else:
            found.append(Place(None, part, [node, *inside]))
    return found


class Value:
    """An expression: the steps that read it and, once they have run, the occurrences its value is made of."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.sources: list[int] = []


class Reading:
    """One walk over one tree, by the table of what a language's kinds of node mean.

    Kinds that are not in the table are read child by child.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.handlers = handlers
        self.state: State = {}
        self.names: dict[int, str] = {}
        self.flows: dict[int, dict[tuple[int, Relation], None]] = {}
        self.seen: list[int] = []
        self.edges = 0
        self.repeating = False

    def run(self, root: Syntax) -> None:
        """Read a tree.

        Raises:
            TooManyEdges: the graph is too large to be of use.
        """
        stack: list[Step] = [root]
        while stack:
            step = stack.pop()
            if not isinstance(step, Syntax):
                step()
            elif (handler := self.handlers.get(step.kind)) is not None:
                stack.extend(reversed(list(handler(self, step))))
            elif step.kind == "identifier":
                self.use(step)
            else:
                stack.extend(reversed(step.children))

    def nodes(self) -> tuple[Node, ...]:
        """The occurrences that an edge leaves or reaches, in the order of their tokens."""
        linked = {source for flow in self.flows.values() for source, _ in flow}
        kept = sorted(token for token, flow in self.flows.items() if flow or token in linked)
        index = {token: at for at, token in enumerate(kept)}
        return tuple(
            Node(
                token,
                self.names[token],
                tuple(Edge(index[source], relation) for source, relation in sorted(self.flows[token])),
            )
            for token in kept
        )

    def use(self, leaf: Syntax) -> None:
        """A variable is read; the first sight of one that nothing has defined stands for its value from then on."""
        self._touch(leaf)
        if leaf.name in self.state:
            self._link(leaf, self.state[leaf.name], Relation.COMES_FROM)
        else:
            self.state[leaf.name] = frozenset((leaf.token,))

    def define(self, leaf: Syntax, sources: Iterable[int] = (), relation: Relation = Relation.COMES_FROM) -> None:
        """A variable takes a value from these occurrences."""
        self._touch(leaf)
        self._link(leaf, sources, relation)
        self.state[leaf.name] = frozenset((leaf.token,))

    def _touch(self, leaf: Syntax) -> None:
        self.seen.append(leaf.token)
        self.names[leaf.token] = leaf.name
        self.flows.setdefault(leaf.token, {})

    def _link(self, leaf: Syntax, sources: Iterable[int], relation: Relation) -> None:
        flow = self.flows[leaf.token]
        before = len(flow)
        for source in sources:
            flow[source, relation] = None
        self.edges += len(flow) - before
        if self.edges > MOST_EDGES:
            raise TooManyEdges

    # Steps that the languages' tables are made of.

    def declare(self, leaf: Syntax) -> Step:
        """A variable comes into being without a value that can be followed."""
        return lambda: self.define(leaf)

    def assign(
        self,
        places: Sequence[Place],
        value: Sequence[Syntax],
        relation: Relation = Relation.COMPUTED_FROM,
        *,
        keeps: bool = False,
    ) -> list[Step]:
        """Read a value and put it into places; `keeps` if what was there goes into it too (`+=`)."""
        taken = self.take(value)
        return [
            *taken.steps,
            *(node for place in places for node in place.inside),
            self.store(places, taken, relation, keeps=keeps),
        ]

    def store(self, places: Sequence[Place], value: Value, relation: Relation, *, keeps: bool = False) -> Step:
        """Put a value that has been read into places."""

        def step() -> None:
            for place in places:
                self.put(place, value.sources, relation, keeps=keeps)

        return step

    def take(self, value: Sequence[Syntax]) -> Value:
        """A value to be read by its steps, which then knows the occurrences it is made of."""
        start = 0
        result = Value()

        def begin() -> None:
            nonlocal start
            start = len(self.seen)

        def end() -> None:
            result.sources = list(dict.fromkeys(self.seen[start:]))

        result.steps = [begin, *value, end]
        return result

    def put(self, place: Place, sources: Iterable[int], relation: Relation, *, keeps: bool = False) -> None:
        """Put a value into a place: the rest of what a changed part belongs to stays what it was."""
        if place.leaf is None:
            return
        old = self.state.get(place.leaf.name, frozenset()) if keeps or place.part else frozenset()
        self.define(place.leaf, sources, relation)
        self._link(place.leaf, old, Relation.COMPUTED_FROM if keeps and not place.part else Relation.COMES_FROM)

    def branch(self, *paths: Iterable[Step], skip: bool) -> list[Step]:
        """Alternatives of which one runs or, with `skip`, none."""
        entry: State = {}
        ends: list[State] = []

        def enter() -> None:
            nonlocal entry
            entry = self.state
            self.state = dict(entry)

        def leave() -> None:
            ends.append(self.state)
            self.state = dict(entry)

        def join() -> None:
            self.state = merged(*ends, entry) if skip else merged(*ends)

        steps: list[Step] = [enter]
        for path in paths:
            steps += [*path, leave]
        return [*steps, join] if paths else []

    def cases(self, paths: Sequence[Iterable[Step]]) -> list[Step]:
        """Alternatives each of which is entered from before them all or from the one above it."""
        entry: State = {}
        ends: list[State] = []

        def enter() -> None:
            nonlocal entry
            entry = dict(self.state)

        def case() -> None:
            self.state = merged(entry, self.state)

        def leave() -> None:
            ends.append(dict(self.state))

        def join() -> None:
            self.state = merged(entry, *ends)

        steps: list[Step] = [enter]
        for path in paths:
            steps += [case, *path, leave]
        return [*steps, join]

    def attempt(
        self, body: Sequence[Step], handlers: Sequence[Iterable[Step]], after: Sequence[Step] = ()
    ) -> list[Step]:
        """A body that handlers may take over from, at any point of it; `after` runs where none had to."""
        before: State = {}
        ends: list[State] = []
        thrown: State = {}

        def enter() -> None:
            nonlocal before
            before = dict(self.state)

        def threw() -> None:
            nonlocal thrown
            thrown = merged(before, self.state)

        def leave() -> None:
            ends.append(self.state)
            self.state = dict(thrown)

        def join() -> None:
            self.state = merged(*ends)

        steps: list[Step] = [enter, *body, threw, *after, leave]
        for handler in handlers:
            steps += [*handler, leave]
        return [*steps, join]

    def loop(self, head: Sequence[Step], body: Sequence[Step]) -> list[Step]:
        """`head` runs at least once, before every turn of `body`.

        Two turns are enough, and one in the second turn of a loop around: it can only bring other values in from
        outside, and what they reach from there was seen in the first.
        """
        out: State = {}

        def check() -> None:
            nonlocal out
            out = merged(out, self.state)

        def again() -> None:
            self.repeating = True

        def end() -> None:
            self.repeating = False

        def join() -> None:
            self.state = merged(out, self.state)

        turn: list[Step] = [*head, check, *body]
        if self.repeating:
            return [*turn, join]
        return [*turn, again, *turn, end, join]

    def scope(self, steps: Iterable[Step]) -> list[Step]:
        """Steps behind which every variable is again what it was before them."""
        outer: State = {}

        def enter() -> None:
            nonlocal outer
            outer = dict(self.state)

        def leave() -> None:
            self.state = outer

        return [enter, *steps, leave]


def merged(*states: State) -> State:
    """Every variable with all the occurrences that any of the states has for it."""
    first, *rest = states
    result = dict(first)
    for state in rest:
        for name, sources in state.items():
            known = result.get(name)
            if known is None:
                result[name] = sources
            elif known is not sources and known != sources:
                result[name] = known | sources
    return result
