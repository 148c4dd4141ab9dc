"""The functions of the standard library that the built-in datasets are drawn from."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor_core.data.hosts import UNSAFE_ALREADY, standard_library_hosts


def test_no_function_is_in_two_splits() -> None:
    hosts = standard_library_hosts()
    assert len({host.source for host in hosts}) == len(hosts)


def test_hosts_carry_no_weakness_of_their_own() -> None:
    assert not any(UNSAFE_ALREADY.search(host.source) for host in standard_library_hosts())


def test_hosts_are_the_same_from_the_cache_and_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path))
    found = standard_library_hosts.__wrapped__()
    assert standard_library_hosts.__wrapped__() == found == standard_library_hosts()
    (cached,) = tmp_path.rglob("*.json")
    cached.write_text(cached.read_text()[:-9])
    assert standard_library_hosts.__wrapped__() == found
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path / "file"))
    assert standard_library_hosts.__wrapped__() == found
