"""The package: what it asks for, what its wheel holds, and what an import of it costs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from compressor_core import __version__, assets
from compressor_core.cli.main import main
from compressor_core.cli.parser import parser
from compressor_core.errors import StorageError

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def asked(name: str) -> set[str]:
    """The requirements in a file, without comments and references to other files."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-"))}


def test_the_lists_are_those_of_the_package() -> None:
    assert asked("requirements.txt") == set(PROJECT["dependencies"])
    assert asked("requirements-bandit.txt") == set(EXTRAS["bandit"])
    assert asked("requirements-cluster.txt") == set(EXTRAS["cluster"])
    assert asked("requirements-energy.txt") == set(EXTRAS["energy"])
    assert {f"{PROJECT['name']}[bandit,cluster]", *asked("requirements-dev.txt")} == set(EXTRAS["dev"])


def test_the_package_pins_no_exact_version() -> None:
    """Exact versions are in the lock alone: the package lives beside others."""
    for line in (*PROJECT["dependencies"], *EXTRAS["bandit"], *EXTRAS["cluster"], *EXTRAS["energy"]):
        assert {each.operator for each in Requirement(line).specifier} <= {">=", "<"}, line


def test_every_module_has_a_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    named = {name.split(".")[1] for layer in layers for name in re.split(" [|:] ", layer) if "." in name}
    there = {path.stem for path in (ROOT / "compressor_core").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert {name for name in there if not name.startswith("_")} == named


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in the wheel of this checkout."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob(f"compressor_studio-{__version__}-py3-none-any.whl")
    return set(zipfile.ZipFile(path).namelist())


def test_the_wheel_holds_the_whole_program_and_no_screenshot(wheel: set[str]) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    for path in tracked:
        if path.startswith("compressor_core/"):
            assert path in wheel
        elif path.startswith(("pages/", "assets/")) or path in ("app.py", ".streamlit/config.toml"):
            assert (f"compressor_core/_app/{path}" in wheel) is not path.startswith("assets/screenshots/"), path
    assert "compressor_core/py.typed" in wheel
    assert {name.split("/")[0] for name in wheel} == {"compressor_core", f"compressor_studio-{__version__}.dist-info"}


def test_the_app_is_found_in_a_checkout() -> None:
    assert (assets.APP_FOLDER / "app.py").is_file() and (assets.ASSETS / "terms" / "gap.md").is_file()


def test_the_command_says_its_version_and_completes_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.split()[-1] == __version__
    for shell in ("bash", "zsh"):
        assert main(["--print-completion", shell]) == 0
        said = capsys.readouterr().out
        assert "train-teacher" in said and "--budget-mb" in said and "compressor" in said


def test_the_app_writes_its_messages_to_a_file(tmp_path: Path) -> None:
    server = "import os, sys; print('to the screen'); print(os.environ['COMPRESSOR_LOG'], file=sys.stderr)"
    program = f"""import os, sys
from compressor_core.cli.parser import parser
start = os.execv
os.execv = lambda path, command: start(sys.executable, [sys.executable, "-c", {server!r}])
options = parser().parse_args(["app", "--log", sys.argv[1]])
options.verb(options)
"""
    log = tmp_path / "app.log"
    log.write_text("of yesterday\n", "utf-8")
    command = [sys.executable, "-c", program, str(log)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not done.stdout and not done.stderr
    assert sorted(log.read_text("utf-8").splitlines()) == sorted(["of yesterday", "to the screen", str(log)])
    options = parser().parse_args(["app", "--log", str(tmp_path / "no folder" / "app.log")])
    with pytest.raises(StorageError, match=r"Cannot write .*no folder.*check that its folder exists"):
        options.verb(options)


def test_the_app_is_started_as_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: commands.append(command))
    for arguments in ([], ["--no-browser", "--port", "8601", "--allow-host", "a.example", "--allow-host", "b.example"]):
        options = parser().parse_args(["app", *arguments])
        options.verb(options)
    opened, closed = (" ".join(command) for command in commands)
    assert f"run {assets.APP_FOLDER / 'app.py'}" in opened
    assert "--server.headless false" in opened and "--server.port" not in opened
    assert "--server.headless true" in closed and "--server.port 8601" in closed
    assert re.findall(r"allowedHosts (\S+)", closed) == ["a.example", "b.example", "localhost", "127.0.0.1"]


@pytest.mark.parametrize("path", [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))], ids=lambda p: p.name)
def test_no_page_says_a_string_that_only_documents(path: Path) -> None:
    """Streamlit prints what stands alone in the file of a page, the first string apart."""
    alone = [node for node in ast.parse(path.read_text("utf-8")).body[1:] if isinstance(node, ast.Expr)]
    assert not [node.lineno for node in alone if not isinstance(node.value, ast.Call)]


def test_the_first_page_needs_no_torch(tmp_path: Path) -> None:
    program = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / 'app.py')!r}, default_timeout=60).run()\n"
        "assert app.title and not app.exception, app.exception\n"
        "assert not {'torch', 'transformers', 'sklearn'} & set(sys.modules), sorted(sys.modules)"
    )
    environment = {**os.environ, "COMPRESSOR_RUNS": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, env=environment)


def test_the_image_is_built_from_files_that_are_there() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in allowed)
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    packed = {name.strip("/").split("/")[0] for name in (*build["include"], *build["force-include"])}
    assert packed | {"LICENSE", "README.md", "pyproject.toml", "requirements.txt", "requirements-lock.txt"} == allowed
