"""What the doctor says of a healthy place, and of one with each thing broken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compressor_core import bundled, doctor
from compressor_core.cli.main import main
from compressor_core.doctor import Finding, Health, diagnosis, examine, required

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path / "caches"))


def named(part: str, findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings if finding.part == part}


def test_all_is_well_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    found = {(each["part"], each["name"]): each for each in said["findings"]}
    wanted = [line.split(">")[0] for line in required()]
    assert len(wanted) > 20 and all(found["packages", name]["health"] == "ok" for name in wanted)
    for model in ("classroom-vulnerability, teacher", "classroom-vulnerability, student", "classroom-clone, teacher"):
        assert found["model", model]["found"].startswith("answers in"), model
    assert found["machine", "device"]["found"].endswith(("float32", "bfloat16", "float16"))


def test_an_absent_package_is_wrong_and_the_exit_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    requirements = ["no-such-package>=1.0", "numpy<0.1", "torch==" + torch_version()]
    findings = named("packages", list(examine(requirements)))
    assert findings["no-such-package"].health is Health.WRONG
    assert findings["numpy"].health is Health.NOTE and "0.1" in findings["numpy"].remedy
    assert findings["torch"].health is Health.OK
    monkeypatch.setattr(doctor, "diagnosis", lambda: diagnosis(requirements))
    assert main(["doctor"]) == 1
    assert "no-such-package" in capsys.readouterr().out


def torch_version() -> str:
    import torch

    return torch.__version__.split("+")[0]


def test_a_damaged_model_is_told_and_the_others_are_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "assets" / "teachers", tmp_path / "assets" / "teachers")
    weights = tmp_path / "assets" / "teachers" / "classroom-clone" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    monkeypatch.setattr(bundled, "ASSETS", tmp_path / "assets")
    models = named("model", list(examine()))
    assert models["classroom-clone, teacher"].health is Health.WRONG and models["classroom-clone, teacher"].remedy
    assert models["classroom-vulnerability, teacher"].health is Health.OK
    shutil.rmtree(tmp_path / "assets" / "teachers" / "classroom-vulnerability")
    assert named("model", list(examine()))["classroom-vulnerability, teacher"].found == "is not there"


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path / "file" / "runs"))
    places = named("place", list(examine()))
    assert places["runs"].health is Health.WRONG and "COMPRESSOR_RUNS" in places["runs"].remedy
    assert places["caches"].health is Health.OK
    monkeypatch.setattr(doctor, "ROOM", 1e18)
    assert named("place", list(examine()))["caches"].health is Health.NOTE


def test_without_torch_the_rest_is_still_examined() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from compressor_core.cli.main import main\n"
        "sys.exit(main(['doctor', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert {each["part"] for each in findings if each["health"] == "wrong"} >= {"fast path", "model"}
    assert {each["part"] for each in findings if each["health"] == "ok"} >= {"packages", "place"}
