"""Training a study's students in parallel, as tasks of a Ray cluster. Only this module uses Ray."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from compressor_core.cache import CACHE_VARIABLE
from compressor_core.errors import CompressorError, SettingsError, StorageError, TrainingError
from compressor_core.files import storage_error, write_bytes, write_json
from compressor_core.records import Notice, Progress, Record, Student

if TYPE_CHECKING:
    from compressor_core.distill.study import Cancelled, Job, Maker

LOCAL: Final = "local"
"""Address that starts Ray on this machine for the duration of the study."""
CONNECT_SECONDS: Final = 10.0
STOP_SECONDS: Final = 60.0
"""Seconds that students have to write their checkpoints when told to stop."""
_POLL: Final = 0.3
_POST: Final = 0.5
"""Minimum seconds between two posts of one task."""
_STORE: Final = 256_000_000
"""Object store of a local Ray, in bytes; larger data go to disk."""
_QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""No usage reports, and no change to CUDA_VISIBLE_DEVICES."""

Files = Mapping[str, bytes]
"""Contents of a file or folder, by path relative to its parent folder."""


def side_by_side(address: str) -> Maker:
    """Maker of students on the Ray cluster at `address`: `auto`, `HOST:PORT`, `ray://HOST:PORT`, or `LOCAL`.

    Each student is one task, with as many CPUs as the study has threads (default: one), and a GPU if the device is
    cuda, otherwise on a CPU. The nodes need no shared disk: this package, the teacher and the data are sent through
    Ray; a finished student's folder and record come back, the same as if made here. A node keeps its cache in its own
    COMPRESSOR_CACHE, by default `compressor-cache` in its temporary folder. Checkpoints stay there too, so an
    interrupted student resumes only on the same node. Latencies are also measured on the node, teacher and student in
    turns, alongside whatever else it runs.

    If a node dies, its students have failed; running the same study again makes the missing ones. A process that is
    already connected to Ray uses that connection, whose workers must have this package. Ray itself asks for a token
    if RAY_AUTH_MODE is `token`; a Ray started here creates one in ~/.ray, which restricts it to this user.

    The maker raises SettingsError if Ray is not installed or not reachable, TrainingError if the cluster is lost, and
    CompressorError for errors that affect every student.
    """
    return functools.partial(_make, address=address)


def _make(planned: Sequence[Job], folder: Path, cancelled: Cancelled, *, address: str) -> Iterator[tuple[Job, Record]]:
    from compressor_core.data.registry import open_dataset
    from compressor_core.distill.study import DATA_SEED, made_from, make_student

    if not planned:
        return
    settings = planned[0].settings
    yield planned[0], Progress(message="reading the dataset")
    dataset = open_dataset(settings.dataset, settings.data, seed=DATA_SEED)
    missing = []
    for job in planned:
        if (folder / f"{job.name}.json").exists():
            for record in make_student(job, folder, dataset=dataset, cancelled=cancelled):
                yield job, record
        else:
            missing.append(job)
    if not missing or cancelled():
        return
    yield missing[0], Progress(message=f"connecting to the cluster {address}")
    gpus = 1 if settings.device == "cuda" else 0
    with _connected(address, gpus) as ray:
        needs = {"num_cpus": settings.threads or 1, "num_gpus": gpus, "max_retries": 0}
        offered = ray.cluster_resources()
        if offered.get("CPU", 0) < needs["num_cpus"] or offered.get("GPU", 0) < gpus:
            wanted = f"{needs['num_cpus']} CPUs" + (" and a GPU" if gpus else "")
            yield missing[0], Notice(message=f"the cluster has no {wanted} yet: waiting until it has")
        board = ray.remote(num_cpus=0)(_Board).remote()
        task = ray.remote(**needs)(_on_node)
        goods = [_ship(ray, Path(path).absolute()) for path in (settings.teacher, settings.data) if path]
        origins = {job.name: made_from(job, dataset) for job in missing}
        waiting = {task.remote(job, goods, _digest_of(origins[job.name]), board): job for job in missing}
        by_name = {job.name: job for job in missing}
        deadline = None
        while waiting:
            ready, _ = ray.wait(list(waiting), timeout=_POLL)
            for name, record in ray.get(board.take.remote()):
                yield by_name[name], record
            for reference in ready:
                job = waiting.pop(reference)
                arrived = _arrived(ray, reference, job, folder, origins[job.name])
                if arrived is not None:
                    yield job, arrived
            if deadline is None and cancelled():
                ray.get(board.stop.remote())
                deadline = time.monotonic() + STOP_SECONDS
            if deadline is not None and time.monotonic() > deadline:
                return


@contextmanager
def _connected(address: str, gpus: int) -> Iterator[Any]:
    """Ray, connected to the cluster; shut down at the end unless it was connected before."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise SettingsError("--cluster needs Ray: pip install -r requirements-cluster.txt") from error
    ours = not ray.is_initialized()
    try:
        if ours:
            _connect(ray, address, gpus)
        yield ray
    except (RayError, ConnectionError, SystemExit) as error:
        raise TrainingError(
            f"the cluster {address} was lost ({_first_line(error)}): run the same command again to make the "
            "missing students"
        ) from error
    finally:
        if ours:
            ray.shutdown()


def _connect(ray: Any, address: str, gpus: int) -> None:
    """Raises SettingsError if there is no cluster to connect to."""
    package = Path(__file__).resolve().parents[1]
    environment: dict[str, Any] = {"py_modules": [str(package)]}
    if not gpus:
        # Ray reserves no GPU for these tasks, so they must not find one.
        environment["env_vars"] = {"CUDA_VISIBLE_DEVICES": ""}
    own = {"include_dashboard": False, "object_store_memory": _STORE} if address == LOCAL else {}
    try:
        _require_answer(address)
        ray.init(address=address, runtime_env=environment, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"no usable Ray cluster at {address} ({_first_line(error)}): start one with `ray start --head`, "
            f"check the address (and set RAY_AUTH_MODE=token if it asks for a token), or give {LOCAL}"
        ) from error


def _require_answer(address: str) -> None:
    """Raise unless a gRPC server answers; Ray itself would wait for minutes."""
    place = address.removeprefix("ray://")
    if ":" not in place or os.environ.get("RAY_USE_TLS", "0") != "0":
        return
    if importlib.util.find_spec("grpc") is None:
        raise SettingsError("grpcio is not installed; pip install -r requirements-cluster.txt")
    import grpc

    with grpc.insecure_channel(place.split("/")[0]) as channel:
        try:
            grpc.channel_ready_future(channel).result(CONNECT_SECONDS)
        except grpc.FutureTimeoutError:
            raise ConnectionError(f"no answer within {CONNECT_SECONDS:g} seconds") from None


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".:") if text else type(error).__name__


class _Board:
    """Actor to which tasks post their records and from which they read whether to stop."""

    def __init__(self) -> None:
        self._posts: list[tuple[str, Record]] = []
        self._stopped = False

    def post(self, name: str, records: Sequence[Record]) -> bool:
        self._posts += [(name, record) for record in records]
        return self._stopped

    def take(self) -> list[tuple[str, Record]]:
        posts, self._posts = self._posts, []
        return posts

    def stop(self) -> None:
        self._stopped = True


class _Line:
    """A task's connection to the board, used rarely enough to cost nothing."""

    def __init__(self, board: Any, name: str) -> None:
        import ray

        self._exchange: Callable[[list[Record]], bool] = lambda records: bool(ray.get(board.post.remote(name, records)))
        self._records: list[Record] = []
        self._posted = time.monotonic()
        self._stopped = self._exchange([])

    def tell(self, record: Record) -> None:
        """Queue a record for the board; of progress records only the latest is kept."""
        self._records = [kept for kept in self._records if not isinstance(kept, Progress)] + [record]
        self.stopped()

    def stopped(self, *, now: bool = False) -> bool:
        if now or time.monotonic() - self._posted >= _POST:
            self._posted = time.monotonic()
            self._stopped = self._exchange(self._records)
            self._records = []
        return self._stopped


def _on_node(job: Job, goods: Sequence[tuple[str, str, Sequence[Any]]], key: str, board: Any) -> Any:
    """Make one student on a node; returns its files and note, or None if told to stop."""
    from compressor_core.distill.study import make_student

    line = _Line(board, job.name)
    if line.stopped():
        return None
    base = Path(os.environ.get(CACHE_VARIABLE) or Path(tempfile.gettempdir()) / "compressor-cache").absolute()
    os.environ[CACHE_VARIABLE] = str(base)
    teacher, *data = [str(_unpacked(base / "cluster" / digest, name, content)) for name, digest, content in goods]
    own = job.settings
    here = own.replace(teacher=teacher, data=data[0] if data else None, threads=own.threads or 1)
    folder = base / "cluster" / key
    for record in make_student(replace(job, settings=here), folder, cancelled=line.stopped):
        if isinstance(record, Student):
            line.stopped(now=True)
            note = json.loads((folder / f"{job.name}.json").read_text("utf-8"))
            return _pack(folder / job.name), note
        if isinstance(record, Progress | Notice):
            line.tell(record)
    return None


def _ship(ray: Any, path: Path) -> tuple[str, str, Sequence[Any]]:
    """Put a file or folder into Ray's store; returns its name, digest and reference.

    The reference is in a list, so that only a node that needs the files fetches them. Raises StorageError if they
    cannot be read.
    """
    files = _pack(path)
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return path.name, digest.hexdigest()[:16], [ray.put(files)]


def _unpacked(place: Path, name: str, content: Sequence[Any]) -> Path:
    """Path of the file or folder on this node, written there first if missing."""
    if not place.exists():
        import ray

        draft = _written(ray.get(content[0]), place)
        # Another task on this node may already have written it.
        with suppress(OSError):
            os.replace(draft, place)
        shutil.rmtree(draft, ignore_errors=True)
    return place / name


def _arrived(ray: Any, reference: Any, job: Job, folder: Path, origin: Mapping[str, Any]) -> Record | None:
    """Record of an ended student, its files moved into place; None if it was told to stop."""
    from ray.exceptions import RayError, RayTaskError

    from compressor_core.distill.study import differences

    try:
        arrived = ray.get(reference)
    except RayError as error:
        cause = error.cause if isinstance(error, RayTaskError) else error
        if isinstance(cause, CompressorError) and not isinstance(cause, (TrainingError, StorageError)):
            raise cause from error
        if isinstance(cause, CompressorError):
            return job.failed(cause)
        return job.failed(
            f"its task on the cluster ended with {type(cause).__name__} ({_first_line(cause)}): check that every node "
            "has the packages of requirements.txt and enough memory; running the same study again makes this student",
        )
    if arrived is None:
        return None
    files, note = arrived
    if changed := differences(note["made_from"], origin):
        return job.failed(f"the node has a different {' and '.join(changed)}: install the same Python on all nodes")
    return _at_home(files, note, job, folder)


def _at_home(files: Files, note: Mapping[str, Any], job: Job, folder: Path) -> Student:
    """Write a student's folder and note as if made here. Raises StorageError if writing fails."""
    from compressor_core.models.card import CARD, read_card

    place = folder / job.name
    draft = _written(files, place)
    try:
        made = draft / job.name
        if (card := read_card(made)) is not None:
            write_json(made / CARD, card.replace(teacher=job.settings.teacher).model_dump(mode="json"))
        if place.exists():
            shutil.rmtree(place)
        os.replace(made, place)
    except OSError as error:
        raise storage_error(error, place) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    student = {**note["student"], "model": str(place)}
    write_json(folder / f"{job.name}.json", {**note, "student": student})
    (folder / f"{job.name}.checkpoint.pt").unlink(missing_ok=True)
    return Student.model_validate(student)


def _pack(path: Path) -> dict[str, bytes]:
    try:
        found = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        return {one.relative_to(path.parent).as_posix(): one.read_bytes() for one in found}
    except OSError as error:
        raise storage_error(error, path, action="read") from error


def _written(files: Files, place: Path) -> Path:
    """Write the files to a new folder beside `place`; returns the folder."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        draft.chmod(0o755)
        for name, content in files.items():
            (draft / name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(draft / name, content, durable=False)
    except OSError as error:
        raise storage_error(error, place) from error
    return draft


def _digest_of(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]
