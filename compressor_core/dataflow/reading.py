"""The walk that reads data flow: what is assigned to what, over branches and around loops, without recursion.

A state says, for every variable, which occurrences its value may come from at this point. Statements are taken in the
order in which they run; alternatives start from the same state and are merged behind it; a loop's body is taken twice,
so that what one turn assigns reaches what the next one reads. Jumps (break, return, goto) are not followed, and a
variable is its name: one that a block declares anew replaces the outer one.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compressor_core.dataflow.syntax import Edge, Node, Relation, Syntax

MOST_EDGES = 200_000
"""Edges beyond which a text is no function that anybody wrote, and its graph is given up."""

Step = Syntax | Callable[[], None]
Handler = Callable[["Reading", Syntax], Iterable[Step]]
State = dict[str, frozenset[int]]


class TooManyEdges(Exception):
    """More than MOST_EDGES."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something a value can be put into: a variable, or a part of one (a field, an element, what it points to).

    `inside` are the expressions in it that are read, such as an index; `leaf` is None where no variable is behind it.
    """

    leaf: Syntax | None
    part: bool
    inside: Sequence[Syntax]


def targets_of(
    target: Syntax | None, parts: Mapping[str, tuple[str, str]], patterns: Container[str] = ()
) -> list[Target]:
    """Targets that the left side of an assignment writes to.

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
            found.append(Target(node, part, inside))
        elif node.kind in patterns and not part:
            waiting += reversed(node.children)
        else:
            found.append(Target(None, part, [node, *inside]))
    return found


@dataclass(slots=True)
class Value:
    """An expression: the steps that read it and, once they have run, the occurrences its value is made of."""

    steps: list[Step] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)


class Reading:
    """One walk over one tree, by the table of what a language's kinds of node mean.

    Kinds that are not in the table are read child by child. The state is one dictionary; what a branch changes in it
    is logged, undone at its end and put together with what the other branches changed.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.handlers = handlers
        self.state: State = {}
        self.undo: list[dict[str, frozenset[int] | None]] = [{}]
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
        """A name is read; it is a variable if something has defined it."""
        if leaf.name in self.state:
            self._touch(leaf)
            self._link(leaf, self.state[leaf.name], Relation.COMES_FROM)

    def define(self, leaf: Syntax, sources: Iterable[int] = (), relation: Relation = Relation.COMES_FROM) -> None:
        """A variable takes a value from these occurrences."""
        self._touch(leaf)
        self._link(leaf, sources, relation)
        self._set(leaf.name, frozenset((leaf.token,)))

    def put(self, target: Target, sources: Iterable[int], relation: Relation, *, keeps: bool = False) -> None:
        """Put a value into a target: the rest of what a changed part belongs to stays what it was."""
        if target.leaf is None:
            return
        old = self.state.get(target.leaf.name, frozenset()) if keeps or target.part else frozenset()
        self.define(target.leaf, sources, relation)
        self._link(target.leaf, old, Relation.COMPUTED_FROM if keeps and not target.part else Relation.COMES_FROM)

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

    def _set(self, name: str, sources: frozenset[int]) -> None:
        self.undo[-1].setdefault(name, self.state.get(name))
        self.state[name] = sources

    def _enter(self) -> None:
        self.undo.append({})

    def _changes(self) -> State:
        """Changes since the running branch was entered."""
        return {name: self.state[name] for name in self.undo[-1]}

    def _leave(self) -> State:
        """Undo what the branch changed, and say what that was."""
        changes = self._changes()
        for name, old in self.undo.pop().items():
            if old is None:
                del self.state[name]
            else:
                self.state[name] = old
        return changes

    def _join(self, ends: Iterable[State], *, skip: bool) -> None:
        """Go on with what any of the branches ended with, or with what was before them if none need have run."""
        ends = list(ends)
        for name in dict.fromkeys(name for end in ends for name in end):
            old = self.state.get(name, frozenset())
            values = {end.get(name, old) for end in ends}
            self._set(name, frozenset().union(*values, old if skip else ()))

    # Steps that the languages' tables are made of.

    def declare(self, leaf: Syntax) -> Step:
        """A variable comes into being without a value that can be followed."""
        return lambda: self.define(leaf)

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

    def store(self, targets: Sequence[Target], value: Value, relation: Relation, *, keeps: bool = False) -> list[Step]:
        """Put a value that has been read into targets; `keeps` if what was there goes into it too (`+=`)."""

        def step() -> None:
            for target in targets:
                self.put(target, value.sources, relation, keeps=keeps)

        return [*(node for target in targets for node in target.inside), step]

    def assign(
        self,
        targets: Sequence[Target],
        value: Sequence[Syntax],
        relation: Relation = Relation.COMPUTED_FROM,
        *,
        keeps: bool = False,
    ) -> list[Step]:
        """Read a value and put it into targets."""
        taken = self.take(value)
        return [*taken.steps, *self.store(targets, taken, relation, keeps=keeps)]

    def branch(self, *paths: Iterable[Step], skip: bool) -> list[Step]:
        """Alternatives of which one runs or, with `skip`, none."""
        ends: list[State] = []
        steps: list[Step] = []
        for path in paths:
            steps += [self._enter, *path, lambda: ends.append(self._leave())]
        return [*steps, lambda: self._join(ends, skip=skip)]

    def cases(self, paths: Sequence[Iterable[Step]]) -> list[Step]:
        """Alternatives each of which is entered from before them all or from the one above it; none need run."""
        ends: list[State] = []

        def enter() -> None:
            self._enter()
            self._join(ends[-1:], skip=True)

        steps: list[Step] = []
        for path in paths:
            steps += [enter, *path, lambda: ends.append(self._leave())]
        return [*steps, lambda: self._join(ends, skip=True)]

    def attempt(
        self, body: Sequence[Step], handlers: Sequence[Iterable[Step]], after: Sequence[Step] = ()
    ) -> list[Step]:
        """A body that handlers may take over from, at any point of it; `after` runs where none had to."""
        thrown: list[State] = []
        ends: list[State] = []

        def enter() -> None:
            self._enter()
            self._join(thrown, skip=True)

        steps: list[Step] = [self._enter, *body, lambda: thrown.append(self._changes()), *after]
        for handler in handlers:
            steps += [lambda: ends.append(self._leave()), enter, *handler]
        return [*steps, lambda: ends.append(self._leave()), lambda: self._join(ends, skip=False)]

    def loop(self, head: Sequence[Step], body: Sequence[Step]) -> list[Step]:
        """`head` runs at least once, before every turn of `body`.

        Two turns are enough, and one in the second turn of a loop around: it can only bring other values in from
        outside, and what they reach from there was seen in the first.
        """
        ends: list[State] = []

        def repeat(repeating: bool) -> Step:
            def step() -> None:
                self.repeating = repeating

            return step

        turn: list[Step] = [*head, lambda: ends.append(self._changes()), *body]
        turns = turn if self.repeating else [*turn, repeat(True), *turn, repeat(False)]
        return [self._enter, *turns, lambda: ends.append(self._leave()), lambda: self._join(ends, skip=False)]

    def scope(self, steps: Iterable[Step]) -> list[Step]:
        """Steps behind which every variable is again what it was before them."""

        def leave() -> None:
            self._leave()

        return [self._enter, *steps, leave]


def by_kind(kinds: Mapping[Handler, str]) -> dict[str, Handler]:
    """A language's table, from the kinds of node that mean the same."""
    return {kind: handler for handler, names in kinds.items() for kind in names.split()}


def reads(*fields: str) -> Handler:
    """A kind of node of which only the children in these fields are read."""
    return lambda reading, node: node.all(*fields)


def scope_of(*fields: str) -> Handler:
    """A kind of node whose children in these fields keep their names to themselves."""
    return lambda reading, node: reading.scope(node.all(*fields))
