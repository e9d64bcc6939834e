"""The sandbox that users start: `tap-interviewflow-sandbox`."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow.sandbox.__main__ import main
from tap_interviewflow.sandbox.candidates import made_up
from tap_interviewflow.sandbox.query import PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

COMMAND = [sys.executable, "-m", "tap_interviewflow.sandbox"]
# Windows sends Ctrl-C to the whole console.
CTRL_C = signal.SIGTERM if os.name == "nt" else signal.SIGINT
CANDIDATES = [made_up("interviewer-2", index) for index in range(7)]


@contextlib.contextmanager
def command(*options: str, end: signal.Signals = signal.SIGTERM) -> Generator[Callable[..., tuple[int, Any]]]:
    """Run the command, give what sends it a request body, and end it: quietly, and with 0."""
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url, names = process.stdout.readline().split()
            own_key = process.stdout.readline().removeprefix("X-API-KEY: ").strip()

            def send(body: object = None, *, key: str = own_key, path: str = PATH) -> tuple[int, Any]:
                content = json.dumps({"interviewerId": names.split(",")[-1]} if body is None else body)
                with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)) as connection:
                    connection.request("POST", path, content, {"X-API-KEY": key})
                    with connection.getresponse() as response:
                        return response.status, json.loads(response.read())

            yield send
        finally:
            process.send_signal(end)
            rest = process.communicate(timeout=5)
        assert rest == ("", "")
        if os.name != "nt":  # where to terminate is to kill
            assert process.returncode == 0


def test_the_command_prints_its_address_and_answers_the_documented_requests() -> None:
    own = {"interviewerId": "interviewer-2"}
    with command("--interviewers=2", "--candidates=7", "--key=chosen") as send:
        assert send() == (200, {"success": True, "data": {"candidates": CANDIDATES, "total": 7}})
        assert send({**own, "page": 2, "limit": 3})[1]["data"] == {"candidates": CANDIDATES[3:6], "total": 7}
        assert send({**own, "page": 30, "limit": 3})[1]["data"] == {"candidates": [], "total": 7}
        assert send({**own, "interviewId": CANDIDATES[4]["id"]}) == (200, {"success": True, "data": CANDIDATES[4]})
        high = [one for one in CANDIDATES if one["additionalFields"]["Manual Score"] >= 50]
        assert 1 < len(high) < 7
        asked = {**own, "additionalFields": {"Manual Score": 50}, "page": 2, "limit": 1}
        assert send(asked)[1]["data"] == {"candidates": high[1:2], "total": len(high)}
        asked["additionalFields"] = {"Manual Score": "50"}  # a text must match exactly
        assert send(asked)[1]["data"] == {"candidates": [], "total": 0}


def test_a_wrong_request_is_answered_with_its_status_and_a_message() -> None:
    own = {"interviewerId": "interviewer-1"}
    with command("--interviewers=1", "--candidates=2", end=CTRL_C) as send:
        wrong = [({"interviewerId": "interviewer-2"}, 404), ({**own, "interviewId": "none"}, 404), ([], 400), ({}, 400)]
        wrong += [
            ({**own, name: value}, 400) for name, value in (("page", 0), ("limit", True), ("additionalFields", []))
        ]
        responses = [(send(body), status) for body, status in wrong]
        responses += [(send(key="another"), 401), (send(path="/api"), 404)]
    for (found, body), status in responses:
        assert (found, body["success"], bool(body["message"])) == (status, False, True)


@pytest.mark.parametrize("option", ["--port=65536", "--port=http", "--candidates=-1", "--interviewers=0", "--flood"])
def test_a_bad_option_ends_the_command_with_one_line(capsys: pytest.CaptureFixture[str], option: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([option])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith("tap-interviewflow-sandbox: ")
    assert option.partition("=")[0].lstrip("-") in err
    assert err.count("\n") == 1


def test_a_port_that_is_taken_ends_the_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main([f"--port={port}"])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert err.startswith(f"tap-interviewflow-sandbox: can't listen on port {port}: ")
    assert err.count("\n") == 1
