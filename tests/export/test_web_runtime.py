"""onnxruntime-web comes from the cache, a tarball put there or a registry, and only if it is the pinned one."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from compressor_core.errors import ModelError, StorageError
from compressor_core.export import web_runtime as module
from compressor_core.export.web_runtime import SCRIPT, TARBALL, WASM, WebRuntime, web_runtime

FOUND = WebRuntime(b"export{a as env};", b"\0asm and more")
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def tarball(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A small package of the right layout, pinned in place of the real one; the cache is empty and npm is absent."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in ((SCRIPT, FOUND.script), (WASM, FOUND.wasm), ("ort.all.min.js", b"not needed")):
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    digest = base64.b64encode(hashlib.sha512(packed.getvalue()).digest()).decode()
    monkeypatch.setattr(module, "INTEGRITY", f"sha512-{digest}")
    digests = {SCRIPT: FOUND.script, WASM: FOUND.wasm}
    monkeypatch.setattr(module, "FILES", {name: hashlib.sha256(data).hexdigest() for name, data in digests.items()})
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))
    monkeypatch.setenv("npm_config_registry", NOWHERE)
    return packed.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of packages of a registry on this machine."""
    folder = tmp_path / "registry" / "onnxruntime-web" / "-"
    folder.mkdir(parents=True)
    handler = functools.partial(Quiet, directory=str(tmp_path / "registry"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
        yield folder
        server.shutdown()
        thread.join()


def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of that name, which is all that is on the path."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))


def kept(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache/onnxruntime-web" / module.VERSION).iterdir())


def test_python_downloads_it_once(
    tarball: bytes, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (registry / TARBALL).write_bytes(tarball)
    assert web_runtime() == FOUND
    assert kept(tmp_path) == sorted([SCRIPT, WASM])
    monkeypatch.setenv("npm_config_registry", NOWHERE)
    assert web_runtime() == FOUND


def test_npm_gets_it_where_it_is_installed(tarball: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "packed").write_bytes(tarball)
    check = f'test "$1 $2 $3" = "pack onnxruntime-web@{module.VERSION} --pack-destination" || exit 1'
    npm(tmp_path, monkeypatch, f'{check}\n/bin/cp {tmp_path}/packed "$4/{TARBALL}"')
    assert web_runtime() == FOUND


def test_a_tarball_put_there_needs_no_network(tarball: bytes, tmp_path: Path) -> None:
    (tmp_path / "cache/onnxruntime-web").mkdir(parents=True)
    (tmp_path / "cache/onnxruntime-web" / TARBALL).write_bytes(tarball)
    assert web_runtime() == FOUND


def test_another_tarball_is_refused(tarball: bytes, registry: Path) -> None:
    (registry / TARBALL).write_bytes(tarball[:-9])
    with pytest.raises(ModelError, match=r"damaged or another \(\d+ bytes\).*npm pack onnxruntime-web@1"):
        web_runtime()


def test_a_damaged_file_in_the_cache_is_replaced(tarball: bytes, registry: Path, tmp_path: Path) -> None:
    (registry / TARBALL).write_bytes(tarball)
    web_runtime()
    (tmp_path / "cache/onnxruntime-web" / module.VERSION / WASM).write_bytes(b"\0asm")
    assert web_runtime() == FOUND


@pytest.mark.parametrize("address", [NOWHERE, "file:///etc", "no address"])
def test_without_a_registry_the_sentence_says_what_to_do(
    tarball: bytes, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", address)
    with pytest.raises(ModelError, match=f"registry cannot be reached; run `npm pack .* and put {TARBALL} into "):
        web_runtime()


def test_npm_that_fails_is_the_same_sentence(tarball: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path, monkeypatch, "exit 1")
    with pytest.raises(ModelError, match="registry cannot be reached"):
        web_runtime()


def test_a_cache_that_cannot_be_written(tarball: bytes, registry: Path, tmp_path: Path) -> None:
    (registry / TARBALL).write_bytes(tarball)
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError, match="onnxruntime-web"):
        web_runtime()
