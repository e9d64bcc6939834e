from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow import __version__
from tap_interviewflow.sandbox import PATH, Moves, Sandbox
from tap_interviewflow.sandbox.__main__ import main
from tests.sandbox.client import ask as send

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@contextlib.contextmanager
def command(*options: str) -> Generator[Callable[..., tuple[int, Any]]]:
    """Run the command line, and give what asks it; it has to end well."""
    arguments = [sys.executable, "-m", "tap_interviewflow.sandbox", *options]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url, names = process.stdout.readline().split()
            key = process.stdout.readline().removeprefix("X-API-KEY: ").strip()

            def ask(**body: object) -> tuple[int, Any]:
                with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)) as connection:
                    content = json.dumps({"interviewerId": names.split(",")[-1], **body})
                    connection.request("POST", PATH, content, {"X-API-KEY": key})
                    with connection.getresponse() as response:
                        return response.status, json.loads(response.read() or b"null")

            yield ask
        finally:
            process.terminate()
            _, complaints = process.communicate(timeout=5)
        assert complaints == ""
        if os.name != "nt":  # where to terminate is to kill
            assert process.returncode == 0


def test_the_command_says_where_it_is_and_whom_it_knows_and_serves_until_it_is_told_to_end() -> None:
    options = ("--interviewers", "2", "--candidates", "7", "--key", "chosen", "--warm", "5", "--max-limit", "5")
    with command(*options, "--metadata", "total") as ask:
        status, answer = ask(interviewerId="interviewer-2", limit=100)
        assert status == 200
        assert (len(answer["data"]["candidates"]), answer["data"]["total"]) == (5, 7)


def test_habits_are_options_of_the_command() -> None:
    options = ("--candidates=9", "--envelope=spring", "--within=result", "--lie=total-as-text", "--lie=more-never")
    with command(*options, "--past-end=416", "--fault=2:503", "--fault=2:empty", "--thin=0", "--latency=0.001") as ask:
        _, answer = ask(limit=4)
        assert answer["result"]["totalElements"] == "9"
        assert (answer["result"]["last"], len(answer["result"]["content"])) == (True, 4)
        assert ask(page=2, limit=4)[0] == 503
        assert ask(page=2, limit=4)[1]["result"]["content"] == []
        assert len(ask(page=2, limit=4)[1]["result"]["content"]) == 4
        assert ask(page=4, limit=4)[0] == 416


def test_the_list_can_move_by_command() -> None:
    options = ("--candidates=9", "--metadata=total", "--moves=newcomer-first,deletion", "--move-count=8")
    moves = Moves(["newcomer-first", "deletion"], 8, seed=3, endless=True)
    pages = range(1, 9)
    with Sandbox({"interviewer-3": 9}, metadata="total", moves=moves) as api:
        expected = [send(api, "interviewer-3", page=page, limit=3).json for page in pages]
    with command(*options, "--move-seed=3", "--move-endlessly") as ask:
        assert [ask(page=page, limit=3)[1] for page in pages] == expected


def test_the_command_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr() == (f"tap-interviewflow-sandbox {__version__}\n", "")


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--port=65536", "argument --port: must be a whole number from 0 to 65535, not '65536'"),
        ("--port=http", "argument --port: must be a whole number from 0 to 65535, not 'http'"),
        ("--candidates=-1", "argument --candidates: must be a whole number from 0, not '-1'"),
        ("--interviewers=0", "argument --interviewers: must be a whole number from 1, not '0'"),
        ("--max-limit=1.5", "argument --max-limit: must be a whole number from 1, not '1.5'"),
        ("--latency=-1", "argument --latency: must be a number from 0, not '-1'"),
        ("--latency=inf", "argument --latency: must be a number from 0, not 'inf'"),
        ("--rate-limit=nan", "argument --rate-limit: must be a number from 0, not 'nan'"),
        ("--thin=1.1", "argument --thin: must be a number from 0 to 1, not '1.1'"),
        ("--key=", "argument --key: must be printable ASCII without outer spaces"),
        ("--key=Łucja", "argument --key: must be printable ASCII without outer spaces"),
        ("--envelope=nested", "argument --envelope: invalid choice: 'nested'"),
        ("--lie=total", "argument --lie: invalid choice: 'total'"),
        ("--lie=more-never", "lies need words: choose metadata, or the envelope of a framework"),
        ("--moves=deletion,flood", "argument --moves: no such move: 'flood' (choose from newcomer-first, "),
        ("--fault=reset", "argument --fault: must be PAGE:NAME, such as 3:reset, not 'reset'"),
        ("--fault=0:reset", "argument --fault: must be PAGE:NAME, such as 3:reset, not '0:reset'"),
        ("--fault=3:earthquake", "no such fault: earthquake"),
        ("--fault=3:huge", "the fault huge needs a number, such as huge:100, not huge"),
        ("--flood", "unrecognized arguments: --flood"),
    ],
)
def test_a_bad_option_ends_the_command_with_one_line(
    capsys: pytest.CaptureFixture[str], option: str, complaint: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([option])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith(f"tap-interviewflow-sandbox: {complaint}")
    assert err.count("\n") == 1


def test_a_port_that_is_taken_ends_the_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox({}) as other, pytest.raises(SystemExit) as ended:
        main([f"--port={other.port}"])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith(f"tap-interviewflow-sandbox: can't listen on port {other.port}: ")
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_ctrl_c_ends_the_command_quietly() -> None:
    arguments = [sys.executable, "-m", "tap_interviewflow.sandbox"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        assert process.stdout.readline() == "X-API-KEY: sandbox-key\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=5) == ("", "")
        assert process.returncode == 0
