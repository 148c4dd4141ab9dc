"""onnxruntime-web, which runs ONNX models in a browser: two files of its npm package, verified and cached.

It is not part of this program. It is under the MIT licence, whose text is included in every page that contains it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compressor_core.cache import cache_folder
from compressor_core.errors import ModelError
from compressor_core.files import storage_error, write_bytes

VERSION: Final = "1.30.0"
INTEGRITY: Final = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Integrity hash of the package's tarball, as stated by the npm registry."""
SCRIPT: Final = "ort.wasm.bundle.min.mjs"
WASM: Final = "ort-wasm-simd-threaded.wasm"
FILES: Final = {
    SCRIPT: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""The two required files of the tarball, 33 MB in total, with their SHA-256."""
TARBALL: Final = f"onnxruntime-web-{VERSION}.tgz"
_REGISTRY: Final = "https://registry.npmjs.org"
_PATIENCE: Final = 20
"""Timeout of each answer of the registry, in seconds."""
_DOWNLOAD: Final = 300
"""Timeout of the whole download with npm, in seconds."""


@dataclass(frozen=True)
class WebRuntime:
    """The library's script, an ES module, and the WebAssembly that it drives."""

    script: bytes
    wasm: bytes


def web_runtime() -> WebRuntime:
    """The two files from the cache, or the first time from the npm registry.

    They are kept in `onnxruntime-web` in the cache folder. A tarball placed there manually is used instead of a
    download. npm downloads it if installed, since it knows the user's registry, proxy and certificates; otherwise
    Python does, which respects `npm_config_registry` and the system's proxy.

    Raises:
        ModelError: the files are not cached and the registry cannot be reached, or the download is not the tarball.
        StorageError: the cache cannot be written.
    """
    folder = cache_folder() / "onnxruntime-web"
    kept = folder / VERSION
    if (found := _kept(kept)) is None:
        given = folder / TARBALL
        data = _read(given) if given.is_file() else _downloaded(folder)
        for name, content in _unpacked(data).items():
            try:
                kept.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise storage_error(error, kept) from error
            write_bytes(kept / name, content)
        found = _kept(kept)
    if found is None:
        raise ModelError(f"{kept} changed while it was written: try again.")
    return found


def runtime_kept() -> bool:
    """Whether the cache has the two files, so that no network is needed."""
    return _kept(cache_folder() / "onnxruntime-web" / VERSION) is not None


def _kept(folder: Path) -> WebRuntime | None:
    """Cached files, if they exist and are undamaged."""
    contents = {}
    for name, digest in FILES.items():
        try:
            contents[name] = (folder / name).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            return None
    return WebRuntime(contents[SCRIPT], contents[WASM])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise storage_error(error, path, action="read") from error


def _downloaded(folder: Path) -> bytes:
    npm = shutil.which("npm")
    try:
        return _by_npm(npm) if npm else _by_python()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ModelError(
            "No page for the browser can be made: onnxruntime-web is not in the cache and the npm registry cannot be "
            f"reached; run `npm pack onnxruntime-web@{VERSION}` on a machine with a network and put {TARBALL} into "
            f"{folder}."
        ) from error


def _by_npm(npm: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(npm, "pack", f"onnxruntime-web@{VERSION}", "--pack-destination", folder, "--ignore-scripts"),
                *("--fetch-retries", "0", "--fetch-timeout", str(_PATIENCE * 1000)),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=_DOWNLOAD,
        )
        return (Path(folder) / TARBALL).read_bytes()


def _by_python() -> bytes:
    registry = os.environ.get("npm_config_registry") or _REGISTRY  # noqa: SIM112 # npm's own spelling
    address = f"{registry.rstrip('/')}/onnxruntime-web/-/{TARBALL}"
    if not address.startswith(("https://", "http://")):
        raise ValueError(f"npm_config_registry is no address of the web: {registry!r}")
    with urllib.request.urlopen(address, timeout=_PATIENCE) as answer:
        data: bytes = answer.read()
    return data


def _unpacked(data: bytes) -> dict[str, bytes]:
    """Required files of the tarball."""
    if "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode() != INTEGRITY:
        raise ModelError(
            f"No page for the browser can be made: the {TARBALL} that was found or downloaded is damaged or another "
            f"({len(data)} bytes): remove it, and get it with `npm pack onnxruntime-web@{VERSION}`."
        )
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return {name: _member(archive, name) for name in FILES}


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(f"package/dist/{name}")
    assert file is not None  # the tarball was verified
    return file.read()
