"""What is installed: every package pinned, those that others bring along too, and none from a place of its own."""

from __future__ import annotations

import re
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-lock.txt"
LISTS = sorted(path for path in ROOT.glob("requirements*.txt") if path != LOCK)
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;]+)(?: ; (.+))?")


def lines(path: Path) -> list[str]:
    """What a list says, without comments and references to other lists."""
    found = [line.strip() for line in path.read_text("utf-8").splitlines()]
    return [line for line in found if line and not line.startswith(("#", "-r ", "-c "))]


def pins(path: Path) -> dict[str, set[str]]:
    """The pinned versions by name, where they apply to this Python and this system; every line has to be a pin."""
    found: dict[str, set[str]] = {}
    for line in lines(path):
        match = _PIN.fullmatch(line)
        assert match, line
        if match[3] is None or Marker(match[3]).evaluate():
            found.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return found


def test_the_lock_pins_all_that_the_lists_ask_for_and_every_list_is_bound_by_it() -> None:
    locked = pins(LOCK)
    for path in LISTS:
        for wanted in map(Requirement, lines(path)):
            (version,) = locked[canonicalize_name(wanted.name)]
            assert version in wanted.specifier, f"{wanted} of {path.name}: make {LOCK.name} anew, as its head says"
        text = path.read_text("utf-8").splitlines()
        assert "-c requirements-lock.txt" in text or "-r requirements.txt" in text, path.name
    assert not [name for name, versions in locked.items() if len(versions) > 1]


def test_the_lock_names_no_place_and_no_build() -> None:
    for line in LOCK.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            assert "://" not in line and " @ " not in line and "+" not in line and not line.startswith("-"), line


def test_what_is_installed_is_what_is_locked() -> None:
    """Of what the lock names; a developer's own tools are nobody's business. A build (+cpu) is no other version."""
    locked = pins(LOCK)
    wrong = {}  # but for an installer's own, and thop, which spells its version in two ways
    # Setuptools brings copies of its own that look installed once it is imported.
    for package in distributions(path=[sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]):
        name = canonicalize_name(package.metadata["Name"])
        for version in locked.get(name, ()):
            if Version(package.version).public != Version(version).public and name not in ("setuptools", "thop"):
                wrong[name] = (package.version, version)
    assert not wrong
