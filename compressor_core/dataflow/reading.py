"""Non-recursive walk over a syntax tree that extracts data flow through branches and loops.

A state maps every variable to the occurrences that its value may come from at this point. Statements are processed in
execution order. Alternatives start from the same state and are merged afterwards. A loop's body is processed twice, so
that assignments of one iteration reach the reads of the next. Jumps (break, return, goto) are not followed. Variables
are identified by name: a redeclaration in a block replaces the outer variable.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compressor_core.dataflow.syntax import Edge, Node, Relation, Syntax, Token

MOST_EDGES = 200_000
"""Largest number of edges; no hand-written function has more. Above it, the graph is dropped."""

Step = Syntax | Callable[[], None]
Handler = Callable[["Reading", Syntax], Iterable[Step]]
State = dict[str, frozenset[int]]


class TooManyEdges(Exception):
    """The graph has more than MOST_EDGES edges."""


@dataclass(frozen=True, slots=True)
class Target:
    """Target of an assignment: a variable, or a part of one (a field, an element, what it points to).

    `inside` are the expressions in it that are read, such as an index; `leaf` is None if there is no variable.
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
        parts: For each kind of node that denotes a part of something: the field of the whole, and the field of the
            index, if any.
        patterns: Kinds that contain several targets, or one in brackets.
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
    """An expression: the steps that read it and, after they have run, the occurrences that its value depends on."""

    steps: list[Step] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)


class Reading:
    """One walk over one tree, with a language's table of handlers by kind of node.

    Kinds without a handler are read child by child. The state is one dictionary; the changes of a branch are logged,
    undone at its end, and merged with those of the other branches.
    """

    def __init__(self, handlers: Mapping[str, Handler], tokens: Sequence[Token]) -> None:
        self.handlers = handlers
        self.tokens = tokens
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
            TooManyEdges: the graph is too large to be useful.
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
        """Occurrences with an incoming or outgoing edge, in token order."""
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
        """Record the read of a name; it is a variable if it was defined before."""
        if leaf.name in self.state:
            self._touch(leaf)
            self._link(leaf, self.state[leaf.name], Relation.COMES_FROM)

    def define(self, leaf: Syntax, sources: Iterable[int] = (), relation: Relation = Relation.COMES_FROM) -> None:
        """Record that a variable takes its value from these occurrences."""
        self._touch(leaf)
        self._link(leaf, sources, relation)
        self._set(leaf.name, frozenset((leaf.token,)))

    def put(self, target: Target, sources: Iterable[int], relation: Relation, *, keeps: bool = False) -> None:
        """Assign a value to a target; if the target is a part, the rest of the variable keeps its value."""
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
        """Undo the changes of the branch, and return them."""
        changes = self._changes()
        for name, old in self.undo.pop().items():
            if old is None:
                del self.state[name]
            else:
                self.state[name] = old
        return changes

    def _join(self, ends: Iterable[State], *, skip: bool) -> None:
        """Merge the end states of the branches; with `skip`, also the state before them, in case no branch ran."""
        ends = list(ends)
        for name in dict.fromkeys(name for end in ends for name in end):
            old = self.state.get(name, frozenset())
            values = {end.get(name, old) for end in ends}
            self._set(name, frozenset().union(*values, old if skip else ()))

    # Building blocks of the languages' handlers.

    def declare(self, leaf: Syntax) -> Step:
        """Declare a variable without a value that can be followed."""
        return lambda: self.define(leaf)

    def take(self, value: Sequence[Syntax]) -> Value:
        """A value whose steps read it and then set its `sources`."""
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
        """Assign a value that has been read to targets; `keeps` if the old value contributes to it (`+=`)."""

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
        """Read a value and assign it to targets."""
        taken = self.take(value)
        return [*taken.steps, *self.store(targets, taken, relation, keeps=keeps)]

    def branch(self, *paths: Iterable[Step], skip: bool) -> list[Step]:
        """Alternatives of which exactly one runs or, with `skip`, at most one."""
        ends: list[State] = []
        steps: list[Step] = []
        for path in paths:
            steps += [self._enter, *path, lambda: ends.append(self._leave())]
        return [*steps, lambda: self._join(ends, skip=skip)]

    def cases(self, paths: Sequence[Iterable[Step]]) -> list[Step]:
        """Cases of a switch: each is entered directly or from the one above (fall-through), or all are skipped."""
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
        """A `try` body that may jump to a handler at any point; `after` runs if no handler did."""
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
        """A loop whose `head` runs at least once, before every iteration of `body`.

        Two iterations are enough. In the second iteration of an enclosing loop, one is: it only brings other values in
        from outside, and their further paths were seen in the first.
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
        """Steps in a scope of their own: afterwards, every variable is as before."""

        def leave() -> None:
            self._leave()

        return [self._enter, *steps, leave]


def by_kind(kinds: Mapping[Handler, str]) -> dict[str, Handler]:
    """Table of handlers by kind, from handlers with their kinds as space-separated names."""
    return {kind: handler for handler, names in kinds.items() for kind in names.split()}


def reads(*fields: str) -> Handler:
    """Handler that reads only the children in these fields."""
    return lambda reading, node: node.all(*fields)


def scope_of(*fields: str) -> Handler:
    """Handler that reads the children in these fields in a scope of their own."""
    return lambda reading, node: reading.scope(node.all(*fields))
