"""The container, as far as it goes without an engine: its rules, its wheels, and the command that installs them."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tap_interviewflow import __version__
from tests.environments import ROOT, environment
from tests.processes import environment_for, said_by
from tests.runs import config_for, write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = [pytest.mark.examples, pytest.mark.timeout(900)]

BESIDE = "meltanolabs-target-csv==0.5.0"
STAGES = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)


def instructions(*stages: str) -> list[tuple[str, str]]:
    """Return the instructions of some stages, each with its arguments."""
    lines = re.sub(r"^#.*\n|\\\n", "", "".join(stages), flags=re.MULTILINE)
    return re.findall(r"^([A-Z]+) (.*)", lines, re.MULTILINE)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make wheels` collects, for the Python that runs the tests."""
    folder = tmp_path_factory.mktemp("collected")
    shutil.copytree(ROOT / "pins", folder / "pins")
    image = [f"IMAGE_PYTHON={platform.python_version()}", f"IMAGE_MACHINE={platform.machine()}"]
    places = [f"PINS={folder / 'pins'}", f"WHEELS={folder / 'wheels'}"]
    command = ["make", "wheels", f"WITH={BESIDE}", *image, *places]
    subprocess.run(command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)
    return folder / "wheels"


def install(wheels: Path, opt: Path) -> subprocess.CompletedProcess[str]:
    """Run what the Dockerfile runs, in folders of the test's own, and with no package index to be reached."""
    (command,) = (rest for name, rest in instructions(*STAGES) if name == "RUN")
    assert "/wheels" in command
    assert "/opt" in command
    opt.mkdir()
    (opt / "python").symlink_to(sys.executable)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    nowhere = "http://127.0.0.1:9"
    for name, folder in (("wheels", wheels), ("opt", opt)):
        command = re.sub(rf"(?<![\w/])/{name}\b", str(folder), command)
    return subprocess.run(
        ["/bin/sh", "-c", command],
        check=False,
        env=kept | {"PATH": f"{opt}:{os.environ['PATH']}", "PIP_INDEX_URL": nowhere, "ALL_PROXY": nowhere},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    said_by(str(environment("hadolint") / "hadolint"), "--failure-threshold", "style", str(ROOT / "Dockerfile"))


def test_the_image_is_not_run_by_root_and_passes_signals_to_the_tap() -> None:
    image = dict(instructions(STAGES[-1]))
    assert all(int(number) >= 10_000 for number in image["USER"].split(":"))
    # In this form, no shell stands between a signal and the tap.
    assert json.loads(image["ENTRYPOINT"]) == ["tap-interviewflow"]


def test_the_image_is_made_of_what_lies_in_wheels_alone() -> None:
    assert "ADD" not in dict(instructions(*STAGES))
    assert [rest for name, rest in instructions(*STAGES) if name == "COPY"] == [
        "wheels /wheels",
        "--from=build /opt /opt",
    ]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert [line for line in ignored if not line.startswith("#")] == ["*", "!wheels"]


def test_the_versions_are_those_of_the_pins_and_a_program_without_pins_gets_them(wheels: Path) -> None:
    collected = (wheels / "tap-interviewflow" / "requirements.txt").read_text("utf-8")
    kept = (ROOT / "pins" / "tap-interviewflow.txt").read_text("utf-8")
    versions = set(re.findall(r"^[\w.-]+==\S+", kept, re.MULTILINE))
    assert set(re.findall(r"^[\w.-]+==\S+", collected, re.MULTILINE)) <= versions | {
        f"tap_interviewflow=={__version__}"
    }
    assert f"{BESIDE} " in (wheels.parent / "pins" / "meltanolabs-target-csv.txt").read_text("utf-8")


def test_the_dockerfiles_own_command_installs_the_programs_without_a_network(programs: Path, tmp_path: Path) -> None:
    assert {path.name for path in programs.iterdir()} == {
        "tap-interviewflow",
        "tap-interviewflow-sandbox",
        "target-csv",
    }
    tap = str(programs / "tap-interviewflow")
    assert f"v{__version__}" in said_by(tap, "--version")
    with Sandbox({"interviewer-1": 40}) as api:
        config = write(tmp_path / "config.json", config_for(api, flattening_enabled=True, flattening_max_depth=1))
        read = subprocess.run([tap, "--config", config], check=True, stdout=subprocess.PIPE).stdout
    subprocess.run([str(programs / "target-csv")], check=True, input=read, cwd=tmp_path)
    assert len((tmp_path / "candidates.csv").read_text("utf-8").splitlines()) > 40


@pytest.fixture(scope="module")
def programs(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's programs."""
    opt = tmp_path_factory.mktemp("image") / "opt"
    built = install(wheels, opt)
    assert built.returncode == 0, built.stdout
    return opt / "bin"


@contextmanager
def pipeline(programs: Path, folder: Path, api: Sandbox, **settings: str) -> Generator[subprocess.Popen[bytes]]:
    """Run the pipeline of the example's page in what the image would be, with another target."""
    page = (ROOT / "examples" / "container" / "README.md").read_text("utf-8")
    ((shell, options, script),) = re.findall(r"--entrypoint (bash) interviews (.*?) \\\n  '(.*)'\n", page)
    script = script.replace("target-postgres --config ENV", "target-csv")
    assert script.endswith("| target-csv")
    command = [shell, *options.split(), script]
    env = environment_for(api, programs, **settings)
    with subprocess.Popen(command, cwd=folder, env=env, start_new_session=True) as process:
        try:
            yield process
        finally:  # as the end of a container does
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(("key", "code"), [("sandbox-key", 0), ("a-wrong-key", 1)])
def test_a_pipeline_ends_with_the_taps_exit_code(programs: Path, tmp_path: Path, key: str, code: int) -> None:
    with (
        Sandbox({"interviewer-1": 40}) as api,
        pipeline(programs, tmp_path, api, TAP_INTERVIEWFLOW_API_KEY=key) as process,
    ):
        assert process.wait(60) == code


def test_a_pipeline_ends_when_it_is_stopped(programs: Path, tmp_path: Path) -> None:
    with (
        Sandbox({"interviewer-1": 4000}, latency=0.5) as api,
        pipeline(programs, tmp_path, api, TAP_INTERVIEWFLOW_PAGE_SIZE="10") as process,
    ):
        while not api.requests:
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        assert process.wait(5) == -signal.SIGTERM


def test_a_wheel_that_is_not_the_one_that_was_collected_is_refused(wheels: Path, tmp_path: Path) -> None:
    copied = tmp_path / "wheels"
    (copied / "tap-interviewflow").mkdir(parents=True)
    for file in (wheels / "tap-interviewflow").iterdir():
        changed = file.name.startswith("requests-")
        (copied / "tap-interviewflow" / file.name).write_bytes(file.read_bytes() + b"\0" * changed)
    built = install(copied, tmp_path / "opt")
    assert built.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in built.stdout
