"""Renaming of identifiers in C, Java and Python functions: a data augmentation for distillation.

A teacher's label of a renamed function shows the student what does not depend on names, at no cost but the teacher's
time. Source: MORPH (ICSE 2025), which compresses code models with renamed functions that the teacher labelled; in its
ablation they raise CodeBERT's clone student from 87.13 to 96.43%. The choice of names is this program's own: variables,
parameters and inner functions, if the name can mean nothing else (`dataflow/own.py`). Everything visible from outside
stays: the function's own name, members, types, imports, keyword arguments, macros, text in strings and comments. One
case cannot be detected from a function's text: a macro, defined elsewhere, that reads a variable which is not passed to
it. `rewriting.py` goes further, for Python only: it makes clones with other literals and another structure.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count

from compressor_core.dataflow.own import OwnNames, is_name, own_names
from compressor_core.dataflow.syntax import parser
from compressor_core.language import Language

_C = """
    a acc addr amount arg attr avail b base begin bits block bs buf buf_end buf_size buffer bytes c cb ch channel
    channels chunk cmd cnt code codec col cond config conn copy count cpu ctx cur current d data data_size depth desc
    dest dev device diff dir dst elem end entry env err event f fd field filename first flag flags fmt found frame g h
    handle head header height hi host i id idx index info input item iter j k key kind l last left len length level
    limit line linesize list lo lock loop low m map mask max_size mem mode msg n name nb nb_bytes needed next node num
    num_items obj off offset old opaque op opts out output p packet pad page param parent part path pixel pkt plane pool
    port pos prev priority ptr q queue quot r range rate raw rc reg region remaining req res result ret retval right row
    s samples sc seg sector seq shift sign slot sock src start state status step stop str stream stride sum sz t table
    tag target temp tmp token total track u used v val value version w weight width word x y z
"""
_JAVA = """
    a action address amount answer args array b base begin bin body br buf buffer builder bytes bytesRead c cache
    channel chars child client code col con conn connection content contentType context count counter cur current d data
    date depth dest destFile destination digest dir doc document e elem element end entity entry err event ex f factory
    field file fileName filePath files filter first flag format found fos g group h handler hash header height hex host
    i id idx image in index info input inputFile inputLine inputStream is item items iterator it j job k key l label
    last left len length level limit line lines list location m map mask matcher max md message method min mode msg n
    name next node num number o obj off offset old os out output outputFile p page params parent parser part password
    path pos prefix prev props q query r rd reader request res resource response result results right root row s sb
    session size source src st start state statement status step stop str stream string success sum t table target temp
    text time tmp token total tree u uri url urlString user username v val value values version w width word writer x y
    z
"""
_PYTHON = """
    a acc action addr address amount answer arg args array attr attrs b base begin body buf buffer c cache callback
    chars child chunk cmd code col command config conn content context count counter cur current d data default depth
    dest digits doc dt e elem element encoding end entry env err error event extra f factory field fields filename first
    flag flags fmt fn found frame fp fullname func func_name g group groups h handle handler head header headers height
    host i idx index info item items it j job k key keys kind kw l label last left length level limit line lineno lines
    loader lst m mapping mask member message mod mode msg n name names new node num number o obj offset old op opt
    option options out output p pair param params parent part parts path pattern pending pid port pos prefix prev q
    query queue r raw rec record ref req request res resp rest result results right root row s section sep seq size
    source spec src st start state status step stop stream string subject suffix t table tag tail target task temp test
    text tmp token tokens total tree u url user v val value values version w width word words x y z
"""
NAMES = {Language.C: tuple(_C.split()), Language.JAVA: tuple(_JAVA.split()), Language.PYTHON: tuple(_PYTHON.split())}
"""New names by language: most are among the most common variables of other functions (of Devign, of BigCloneBench, of
Python's standard library), the others are neutral words in the same style."""

_ELSEWHERE = """
    case exec exports match module open opens permits print provides record requires sealed to transitive type uses var
    when with yield
"""
"""Contextual keywords of the languages."""
_LARGEST = 500
"""Largest number of names in a vocabulary."""
_WORD = re.compile(r"\w+")


def rename(code: str, language: Language, rng: random.Random, names: Sequence[str] = ()) -> str | None:
    """`code` with all of the function's own names consistently renamed; nothing else changes.

    New names are drawn from `names` (by default NAMES), then from the same with numbers; none of them is a word of the
    code, so nothing is captured. The data flow of the result is that of `code`, edge by edge.

    Returns:
        None if no name can be changed safely, or if the code cannot be parsed.
    """
    own = own_names(code, language)
    if not own.positions:
        return None
    pool = names or NAMES[language]
    used = set(_WORD.findall(code))
    free = [name for name in pool if name not in used]
    drawn = rng.sample(free, min(len(free), len(own.positions)))
    used.update(drawn)
    numbered = (name for n in count(2) for word in pool if (name := f"{word}{n}") not in used)
    new = dict(zip(own.positions, chain(drawn, numbered), strict=False))
    return _renamed(own, language, new)


def rename_to(code: str, language: Language, rng: random.Random, choices: Mapping[str, Sequence[str]]) -> str | None:
    """`code` with each of its own names that has `choices` replaced by one of them.

    A choice must be a valid name and not a word of the code. None if nothing can be changed, as for `rename`.
    """
    own = own_names(code, language)
    used = set(_WORD.findall(code))
    new: dict[str, str] = {}
    for name in own.positions:
        free = [one for one in choices.get(name, ()) if one not in used and is_name(one, language)]
        if free:
            new[name] = rng.choice(free)
            used.add(new[name])
    return _renamed(own, language, new) if new else None


def _renamed(own: OwnNames, language: Language, new: Mapping[str, str]) -> str | None:
    """The text with some of its own names replaced; None if the parser would then read it differently."""
    edits = sorted((at, name) for name in new for at in own.positions[name])
    parts, done = [], 0
    for at, name in edits:
        parts += [own.source[done:at], new[name].encode()]
        done = at + len(name.encode())
    renamed = b"".join([*parts, own.source[done:]])
    # The parser's error recovery may depend on the length of names; if it does, no renaming is safe.
    root = own.tree.root_node
    if root.has_error and str(parser(language).parse(renamed).root_node) != str(root):
        return None
    return renamed.decode("utf-8", "surrogatepass")


def rename_example(
    codes: tuple[str, ...], language: Language, rng: random.Random, names: Sequence[str] = ()
) -> tuple[str, ...] | None:
    """An example with each of its functions renamed separately by `rename`; a function without names to change stays as
    it is. None if nothing can be changed."""
    renamed = [rename(code, language, rng, names) for code in codes]
    if not any(renamed):
        return None
    return tuple(new or old for new, old in zip(renamed, codes, strict=True))


def vocabulary(codes: Iterable[str], language: Language) -> tuple[str, ...]:
    """Most common own names of these functions, most common first. With these, `rename` makes functions that look like
    those of the same dataset."""
    elsewhere = _ELSEWHERE.split()
    functions = (own_names(code, language).positions for code in codes)
    found = Counter(name for positions in functions for name in positions if name not in elsewhere)
    return tuple(name for name, _ in found.most_common(_LARGEST))
