"""Families of Python's builtin functions and methods with a similar, but not the same, behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

_FAMILIES = """
    min max sum
    len sum
    any all
    sorted reversed
    sorted list
    list tuple set
    set frozenset
    int float
    str repr ascii
    bytes bytearray
    ord chr
    hex oct bin
    abs round int
    enumerate reversed
    filter map
    append extend appendleft
    append remove
    add discard remove
    pop popleft
    pop get setdefault
    keys values items
    update difference_update intersection_update
    union intersection difference symmetric_difference
    issubset issuperset isdisjoint
    startswith endswith
    strip lstrip rstrip
    removeprefix removesuffix
    find rfind index
    index rindex count
    split rsplit
    partition rpartition
    ljust rjust center zfill
    upper lower title capitalize
    casefold upper
    isdigit isalpha isalnum isspace
    isupper islower istitle
    isdecimal isnumeric isidentifier
    splitlines split
    encode decode
    read readline readlines
    write writelines
    seek truncate
    exists isfile isdir islink
    basename dirname
    abspath normpath realpath expanduser
    mkdir rmdir
    remove rmdir
    match search fullmatch
    findall finditer
    start end
    group groups
    ceil floor trunc
    sin cos tan
    log log2 log10
    sqrt exp
    bisect_left bisect_right insort_left insort_right
    heappush heappushpop
    takewhile dropwhile
    lshift rshift
    isinstance issubclass
    loads dumps
    load dump
    getvalue read
    acquire release
    put get
    connect bind
    send recv
    copy deepcopy
    start stop
    enter exit
    open close
    lock unlock
    push pop
    from_bytes to_bytes
    setattr hasattr
    getattr hasattr
    ValueError TypeError KeyError IndexError
    RuntimeError NotImplementedError OSError
    AttributeError TypeError
"""

_families = [family.split() for family in _FAMILIES.strip().split("\n")]
PARTNERS: Mapping[str, tuple[str, ...]] = {
    name: tuple(dict.fromkeys(other for family in _families if name in family for other in family if other != name))
    for name in dict.fromkeys(chain.from_iterable(_families))
}
"""The other members of each name's families."""
