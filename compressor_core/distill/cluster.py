"""A study's students side by side, as tasks of a Ray cluster. All that knows Ray is here."""

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
"""The address that starts a Ray on this machine, for as long as the study takes."""
CONNECT_SECONDS: Final = 10.0
STOP_SECONDS: Final = 60.0
"""How long students that are told to stop may take to write their checkpoints."""
_POLL: Final = 0.3
_POST: Final = 0.5
"""Seconds between two posts of one task."""
_STORE: Final = 256_000_000
"""Bytes of a local Ray's object store; what is larger goes to the disk."""
_QUIET: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""No reports to anybody, and devices as they are set here."""

Files = Mapping[str, bytes]
"""The content of a file or a folder, by the names relative to where it lies."""


def side_by_side(address: str) -> Maker:
    """Students on the Ray cluster at `address`: `auto`, `HOST:PORT`, `ray://HOST:PORT`, or `LOCAL`.

    Each is one task, with as many CPUs as the study has threads (default: one), and a GPU if its device is cuda;
    without that it is trained on a CPU. The nodes need no disk in common: this package, the teacher and the data
    travel through Ray, a finished student's folder and record come back, and are the same as if they had been made
    here. On a node, what is computed once for all lies in the folder COMPRESSOR_CACHE as the node has it, else in
    `compressor-cache` of its temporary folder; so do checkpoints, which stay on the node: a student that was cut
    short goes on where it stood only if it is given to the same node again. Latencies are measured there too,
    teacher and student in turns, beside whatever else the node does.

    A task that dies with its node is a student that failed; the same study again makes those that are missing. A
    process that is connected to a Ray already uses that one, which must know this package. Ray itself asks for a token
    where RAY_AUTH_MODE is `token`; a Ray that is started here makes one in ~/.ray, and keeps to this user with it.

    The maker raises SettingsError where Ray is not installed or not to be reached, TrainingError where the cluster is
    lost, and CompressorError for what no student can do with.
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
            yield missing[0], Notice(message=f"the cluster has no {wanted} yet: it waits until it has")
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
    """Ray, connected to the cluster; told farewell in the end, unless it was connected before."""
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
            f"the cluster {address} was lost ({_first_line(error)}): the same command again makes the students that "
            "are missing"
        ) from error
    finally:
        if ours:
            ray.shutdown()


def _connect(ray: Any, address: str, gpus: int) -> None:
    """Raises SettingsError if there is nobody to connect to."""
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
            f"there is no Ray cluster to use at {address} ({_first_line(error)}): start one with `ray start --head`, "
            f"check the address (and RAY_AUTH_MODE=token where it asks for one), or give {LOCAL}"
        ) from error


def _require_answer(address: str) -> None:
    """Raise unless somebody speaks gRPC there: Ray itself would wait for minutes."""
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
    """An actor where tasks post what they are about, and read whether to stop."""

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
    """A task's line to the board, used seldom enough to cost nothing."""

    def __init__(self, board: Any, name: str) -> None:
        import ray

        self._exchange: Callable[[list[Record]], bool] = lambda records: bool(ray.get(board.post.remote(name, records)))
        self._records: list[Record] = []
        self._posted = time.monotonic()
        self._stopped = self._exchange([])

    def tell(self, record: Record) -> None:
        """Tell the board; the last record of progress is enough."""
        self._records = [kept for kept in self._records if not isinstance(kept, Progress)] + [record]
        self.stopped()

    def stopped(self, *, now: bool = False) -> bool:
        if now or time.monotonic() - self._posted >= _POST:
            self._posted = time.monotonic()
            self._stopped = self._exchange(self._records)
            self._records = []
        return self._stopped


def _on_node(job: Job, goods: Sequence[tuple[str, str, Sequence[Any]]], key: str, board: Any) -> Any:
    """Make one student on a node: its files and its note; None if it was told to stop."""
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
    """A file or folder put into Ray's store: its name, its digest, and the reference, which only a node in need reads.

    Raises StorageError if it cannot be read.
    """
    files = _pack(path)
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return path.name, digest.hexdigest()[:16], [ray.put(files)]


def _unpacked(place: Path, name: str, content: Sequence[Any]) -> Path:
    """Where on this node the file or folder lies, written there first if it is not there yet."""
    if not place.exists():
        import ray

        draft = _written(ray.get(content[0]), place)
        # Another task of this node may have been faster.
        with suppress(OSError):
            os.replace(draft, place)
        shutil.rmtree(draft, ignore_errors=True)
    return place / name


def _arrived(ray: Any, reference: Any, job: Job, folder: Path, origin: Mapping[str, Any]) -> Record | None:
    """The record of a student that is over, its files put in their place; None if it was told to stop."""
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
            "has what requirements.txt names, and memory to spare; the same study again makes this student",
        )
    if arrived is None:
        return None
    files, note = arrived
    if changed := differences(note["made_from"], origin):
        return job.failed(f"the node has another {' and '.join(changed)}: install the same Python on all nodes")
    return _at_home(files, note, job, folder)


def _at_home(files: Files, note: Mapping[str, Any], job: Job, folder: Path) -> Student:
    """A student's folder and note as they had been written here. Raises StorageError if the disk refuses."""
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
    """A fresh folder beside `place` that holds the files."""
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
