"""`classroom-weaknesses`: functions with and without weaknesses, drawn anew from a catalogue of programs.

A third of the functions are clean: real functions of the standard library (`hosts.py`) without anything woven in, and
others made of harmless programs. The rest hold one to three programs of the catalogue (`weaknesses.py`) with a surface
of their own (`surface.py`, `origins.py`), in a real host or in a function drawn around them (`shells.py`); the label is
1 if any of them is unsafe. They are drawn as twins, one safe and one unsafe, which differ in little else and stay side
by side, so that a model learns from what differs. Some APIs, programs and whole weaknesses are kept from every split
and measured apart (`unseen`).
"""

from __future__ import annotations

import functools
import platform
import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

from compressor_core.data.changes import CHANGES, change, changes_for
from compressor_core.data.classroom import Classroom, hosts_of
from compressor_core.data.dataset import Example, Split, fingerprint_of
from compressor_core.data.hosts import Host
from compressor_core.data.origins import from_outside, trusted
from compressor_core.data.shells import function, placed
from compressor_core.data.surface import Piece, dress, parse
from compressor_core.data.weaknesses import Entry, catalogue_texts, entries, harmless
from compressor_core.language import Language
from compressor_core.task import Task

CLEAN = 1 / 3
"""Share of the functions without any program of the catalogue."""
MORE = (0.7, 0.22, 0.08)
"""Shares of the functions with one, two and three programs."""
FLOWS = 0.4
"""Least share of the programs in which the order of statements, or what reaches a call, makes the difference."""
LONGEST = 800
"""Characters of a function at most, white space apart: a model with a small vocabulary reads all of it."""
IN_HOSTS = 0.25
"""Share of the functions with programs that are real functions of the standard library."""
SAME_WEAKNESS = 0.5
"""Share of the further programs that are about the weakness of the first."""
_HARMLESS = 0.3
"""Share of the functions with programs that hold a harmless one besides."""
_CHANGED = 0.4
"""Share of the functions that are changed once or twice without changing what they do."""
_CHANGES = changes_for(Language.PYTHON, ("strings", "reformat", "keywords", "hoist", "wrap", "reorder", "hints"))
_TRUSTED = 0.25
"""Share of the safe programs that are an unsafe one with a trusted value, where that is safe."""
_BENIGN = 0.4
"""Share of the other safe programs that are a benign use, where there is one."""
_SHOWN = 100
"""Draws that stand for all in the fingerprint."""
CLEAN_GROUP = "clean"
UNSAFE_ALREADY = re.compile(
    r"\b(?:eval|exec|compile|mktemp|md5|sha1|getrandbits|setattr|urlopen|system|popen|Popen|FTP|SMTP|Telnet)\("
    r"|\b(?:pickle|marshal|shelve|yaml)\.|shell=True|random\.|_create_unverified|CERT_NONE|0\.0\.0\.0|\.bind\(|http://"
    r"|except(?: \(?(?:Base)?Exception[^\n]*)?:|= (?:open|socket)\b|open\([^\n]*\)\.|\.(?:execute|extractall)\("
    r"|0o?[67][67][67]|\.umask\(|S_IWOTH|/tmp\b|(?i:password|passwd|secret|token)\b|\blog\w*\.\w+\([^,)]*[%+{]"
    r"|os\.path\.exists\([^\n]*\):\n[^\n]*(?:open|remove|mkdir)|\.acquire\(|re\.\w+\([a-z]|debug=|check_hostname"
)
"""What may be a weakness of the catalogue; a host that has one of its own would carry a wrong label."""


class Unseen(StrEnum):
    """What is kept from training, to be measured apart."""

    API = "unseen-api"
    PHRASING = "unseen-phrasing"
    WEAKNESS = "unseen-weakness"


class ClassroomWeaknesses(Classroom):
    """Functions with and without weaknesses."""

    name = "classroom-weaknesses"
    task = Task.VULNERABILITY
    labels = ("safe", "vulnerable")
    per_host = MappingProxyType({Split.TRAIN: 2, Split.UNLABELLED: 2, Split.VALIDATION: 1, Split.TEST: 1})
    together = 2

    @functools.cached_property
    def fingerprint(self) -> str:
        """Fingerprint of what the examples are drawn from, and of some that show how they are drawn."""
        rng = random.Random(f"{self.name}/{self.seed}/fingerprint")
        shown = [e.codes[0] for host in self.hosts(Split.TEST)[:_SHOWN] for e in self._drawn(host, Split.TEST, rng)]
        sources = [host.source for split in Split for host in self.hosts(split)]
        return fingerprint_of([platform.python_version(), str(self.seed), *shown, *sources, *catalogue_texts()])

    def hosts(self, split: Split) -> Sequence[Host]:
        return _usable(split)

    def _drawn(self, host: Host, split: Split, rng: random.Random) -> tuple[Example, ...]:
        return clean(host, rng) if rng.random() < CLEAN else twins(host, rng)


@functools.cache
def _usable(split: Split) -> Sequence[Host]:
    return tuple(host for host in hosts_of(split) if not UNSAFE_ALREADY.search(host.source))


def unseen(kind: Unseen, seed: int = 0) -> Sequence[Example]:
    """Functions with programs that no split of the dataset holds, and none that is clean, in hosts of the test split.

    Everything else about them is drawn as in the test split; programs beside the unseen one are of the same kind.
    """
    rng = random.Random(f"{ClassroomWeaknesses.name}/{seed}/{kind}")
    return [example for host in hosts_of(Split.TEST) for example in twins(host, rng, kind)]


def clean(host: Host, rng: random.Random) -> tuple[Example, Example]:
    """The host as it is, and a function made of harmless programs."""
    taken: set[str] = set()
    pieces = [_ordinary(rng, taken) for _ in range(rng.choices((1, 2, 3), MORE)[0])]
    codes = host.source, function(pieces, rng, taken, _tokens())
    first, second = (Example((_laid_out(code, rng),), 0, CLEAN_GROUP, host.module) for code in codes)
    return first, second


def twins(host: Host, rng: random.Random, kind: Unseen | None = None) -> tuple[Example, Example]:
    """Two functions with the same programs, in random order: one safe, the other with some of them unsafe."""
    while True:
        seed, layout = rng.random(), rng.random()
        pair = [woven(host, random.Random(seed), unsafe, kind) for unsafe in (False, True)]
        if max(len(" ".join(example.codes[0].split())) for example in pair) <= LONGEST:
            break
    first, second = (replace(e, codes=(_laid_out(e.codes[0], random.Random(layout)),)) for e in pair)
    return (first, second) if rng.random() < 0.5 else (second, first)


def _laid_out(code: str, rng: random.Random) -> str:
    """The code as somebody else would write it: half with the other quotes, some with other changes besides."""
    if rng.random() < 0.5:
        code = CHANGES["quotes"].apply(code, Language.PYTHON, rng) or code
    if rng.random() < _CHANGED:
        code, _ = change(code, Language.PYTHON, rng, _CHANGES, most=2)
    return code


def woven(host: Host, rng: random.Random, unsafe: bool, kind: Unseen | None = None) -> Example:
    """A function with one to three programs, the first safe or unsafe; its group is the first one's weakness.

    What is drawn does not depend on `unsafe`, as far as it can.
    """
    pool = _pool(kind)
    first = _chosen(pool, rng, rng.choice(list(pool)))
    drawn = [(first, unsafe, rng.random())]
    for _ in range(rng.choices((0, 1, 2), MORE)[0]):
        cwe = first.weakness.cwe if rng.random() < SAME_WEAKNESS else rng.choice(list(pool))
        entry, too = _chosen(pool, rng, cwe), rng.random() < 0.5
        drawn.append((entry, unsafe and too, rng.random()))
    rng.shuffle(drawn)
    in_host = rng.random() < IN_HOSTS and bool(host.variables)
    method = "(self" in host.source.split("\n", 1)[0]
    variables = host.variables if in_host else ()
    taken = set(re.findall(r"\w+", host.source)) if in_host else set()
    pieces = [_piece(entry, bad, random.Random(seed), taken, variables) for entry, bad, seed in drawn]
    if rng.random() < _HARMLESS:
        pieces.insert(rng.randint(0, len(pieces)), _ordinary(rng, taken, variables))
    if in_host and not any(piece.coroutine or (piece.method and not method) for piece in pieces):
        code = _in_host(host, pieces, rng, taken)
    else:  # also where the host cannot have the pieces: no method, or no coroutine
        code = function(pieces, rng, taken | set(variables), _tokens())
    return Example((code,), int(unsafe), first.weakness.cwe, host.module)


def _piece(entry: Entry, unsafe: bool, rng: random.Random, taken: set[str], variables: Sequence[str]) -> Piece:
    weakness, program = entry.weakness, entry.program
    harmless = not unsafe and weakness.taint and rng.random() < _TRUSTED
    if unsafe or harmless:
        text = program.unsafe
    else:
        text = rng.choice(program.benign) if program.benign and rng.random() < _BENIGN else program.safe
    form = parse(text, entry.api.imports)
    origin = (
        trusted(weakness.names, rng, taken, number=weakness.number_is_safe)
        if harmless
        else from_outside(weakness.names, rng, taken, variables=variables, rebinds=form.rebinds)
    )
    return dress(form, rng, origin, taken, entry.api.imports, shorten=not variables)


def _ordinary(rng: random.Random, taken: set[str], variables: Sequence[str] = ()) -> Piece:
    text, imports = rng.choice(harmless())
    form = parse(text, imports)
    origin = from_outside((), rng, taken, variables=variables, rebinds=True)
    return dress(form, rng, origin, taken, imports)


def _in_host(host: Host, pieces: Sequence[Piece], rng: random.Random, taken: set[str]) -> str:
    """The host with the pieces at random places, in their order; what they return goes to a variable."""
    lines = host.source.split("\n")
    slots = sorted((rng.choice(host.slots) for _ in pieces), reverse=True)
    for (line, indent), piece in zip(slots, reversed(pieces), strict=True):
        lines[line:line] = [indent + part if part else part for part in placed(piece, rng, taken, last=False)]
    return "\n".join(lines)


def _chosen(pool: Mapping[str, Sequence[Entry]], rng: random.Random, cwe: str) -> Entry:
    """A program of a weakness: each API is as likely as another, and flows have at least their share."""
    candidates = pool[cwe]
    if rng.random() < FLOWS:
        candidates = [entry for entry in candidates if entry.program.flow] or candidates
    api = rng.choice(list(dict.fromkeys(entry.api.name for entry in candidates)))
    return rng.choice([entry for entry in candidates if entry.api.name == api])


@functools.cache
def _pool(kind: Unseen | None) -> Mapping[str, Sequence[Entry]]:
    """By weakness, the programs of the training distribution (None), or those kept from it."""
    pool: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries():
        reason: Unseen | None = None
        if entry.weakness.unseen:
            reason = Unseen.WEAKNESS
        elif entry.api.unseen:
            reason = Unseen.API
        elif entry.unseen:
            reason = Unseen.PHRASING
        if reason is kind:
            pool[entry.weakness.cwe].append(entry)
    return pool


@functools.cache
def _tokens() -> Sequence[str]:
    """Dotted names of calls in the catalogue, safe and unsafe alike, which comments may mention."""
    texts = (text for entry in entries() for text in (entry.program.unsafe, entry.program.safe))
    return sorted({name for text in texts for name in re.findall(r"\b\w+(?:\.\w+)+(?=\()", text) if "WORD" not in name})
