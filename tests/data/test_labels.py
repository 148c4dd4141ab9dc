"""What the names of classes mean."""

from __future__ import annotations

import pytest

from compressor_core.data.labels import crossed, meaning

NEGATIVE = """
    0 no n None False safe Secure ok okay correct harmless normal fixed patched non-defect nondefect Non-vulnerable
    not_vulnerable NonVulnerable novul non-vul NOT-VULNERABLE different negative bug-free not-buggy invulnerable
"""
POSITIVE = """
    1 yes y true VULNERABLE Vulnerable unsafe insecure Bug
    bugs vulnerabilities weaknesses defect flawed weak exploitable
    unpatched incorrect not-safe non-secure abnormal clone clones same not-different vulnerable_code
"""
PHRASES = {
    "Safe function": 0,
    "Vulnerable function": 1,
    "This function is vulnerable": 1,
    "contains a security flaw": 1,
    "no clone": 0,
    "not a clone": 0,
    "No bug found": 0,
    "without any defects": 0,
    "free of bugs": 0,
    "Not non-vulnerable": 1,
    "isn't safe": 1,
    "isn\u2019t vulnerable": 0,
    "is not an unsafe method": 0,
    "patched version": 0,
    "vulnerable: yes": 1,
    "vulnerable: no": 0,
}
UNCLEAR = """
    A|B|LABEL_0|LABEL_1|class 1|2|not|non|in|unknown|patched vulnerability|fixed bug|bug fix
    |formerly safe|safe or not sure
    |vulnerable before|false positive|negative false|weak clone|security|function|no function|safe, not vulnerable
    |CWE-89|größe|!vulnerable|safe/unsafe|(un)safe|vulnerable?
    |unsafety|instance|union|possibly vulnerable|type 3 clone|normalise|goodness
"""


@pytest.mark.parametrize(
    ("label", "number"),
    [
        *((label, 0) for label in NEGATIVE.split()),
        *((label, 1) for label in POSITIVE.split()),
        *PHRASES.items(),
        *((label.strip(), None) for label in UNCLEAR.split("|")),
    ],
)
def test_the_class_of_a_label_is_read_or_left_open(label: str, number: int | None) -> None:
    for same in (label, label.upper(), f"  {label} "):
        assert meaning(same) == number


def test_the_humps_of_a_name_part_its_words() -> None:
    assert (meaning("VulnerableFunction"), meaning("nonVulnerableCode"), meaning("safeBut")) == (1, 0, None)


@pytest.mark.parametrize(
    "names",
    [
        *(("Safe function", "Vulnerable function"), ("non-defect", "defect"), ("ok", "flawed"), ("harmless", "odd")),
        *(("LABEL_0", "LABEL_1"), ("label0", "LABEL1"), ("class 0", "class 1"), ("Klasse-00", "Klasse-01")),
        *(("0.0", "1.0"), ("vulnerable=0", "vulnerable=1"), ("0: safe", "1: vulnerable"), ("0 (x)", "1 (bug)")),
    ],
)
@pytest.mark.parametrize(
    "others", [("0", "1"), ("safe", "vulnerable"), ("no clone", "clone"), ("LABEL_0", "LABEL_1"), ("C0", "C1")]
)
def test_classes_the_other_way_round_are_known_by_their_names(names: tuple[str, str], others: tuple[str, str]) -> None:
    assert not crossed(names, others) and not crossed(others, names)
    turned = names[::-1]
    assert crossed(turned, others) and crossed(others, turned) and not crossed(turned, others[::-1])


@pytest.mark.parametrize(
    "names",
    [
        *(("safe", "good"), ("bug", "defect"), ("A", "B"), ("patched bug", "bug fix"), ("safe_0", "safe_1")),
        *(("LABEL_1", "LABEL_2"), ("LABEL_10", "LABEL_11"), ("1 of 2", "0 of 2"), ("LABEL_1", "class")),
        *(("vulnerable (0)", "safe (1)"), ("LABEL_1", "LABEL_01"), ("CWE-89", "CWE-79")),
    ],
)
def test_names_that_contradict_each_other_or_say_nothing_have_no_order(names: tuple[str, str]) -> None:
    assert not crossed(names, ("0", "1")) and not crossed(names, ("1", "0"))
