"""The sandbox that users start: `tap-interviewflow-sandbox`."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tap_interviewflow.sandbox.__main__ import main
from tap_interviewflow.sandbox.candidates import made_up
from tap_interviewflow.sandbox.query import PATH

if TYPE_CHECKING:
    from collections.abc import Generator

COMMAND = [sys.executable, "-m", "tap_interviewflow.sandbox"]
# Windows sends Ctrl-C to the whole console.
CTRL_C = signal.SIGTERM if os.name == "nt" else signal.SIGINT
CANDIDATES = [made_up("interviewer-2", index) for index in range(7)]


class Command(NamedTuple):
    """The command while it runs: what it has printed."""

    port: int
    interviewers: list[str]
    key: str

    def send(self, body: object, *, key: str | None = None, path: str = PATH) -> tuple[int, Any]:
        """Send a request, and return the status and the body of the response."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("POST", path, json.dumps(body), {"X-API-KEY": key or self.key})
            response = connection.getresponse()
            return response.status, json.loads(response.read())


@contextlib.contextmanager
def command(*options: str, end: signal.Signals = signal.SIGTERM) -> Generator[Command]:
    """Run the command, and end it: quietly, and with 0."""
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url, names = process.stdout.readline().split()
            key = process.stdout.readline().removeprefix("X-API-KEY: ").strip()
            yield Command(int(url.removeprefix("http://127.0.0.1:")), names.split(","), key)
        finally:
            process.send_signal(end)
            rest = process.communicate(timeout=5)
        assert rest == ("", "")
        if os.name != "nt":  # where to terminate is to kill
            assert process.returncode == 0


def test_the_command_prints_its_address_and_answers_the_documented_requests() -> None:
    own = {"interviewerId": "interviewer-2"}
    with command("--interviewers=2", "--candidates=7", "--key=chosen") as api:
        assert (api.interviewers, api.key) == (["interviewer-1", "interviewer-2"], "chosen")
        assert api.send(own) == (200, {"success": True, "data": {"candidates": CANDIDATES, "total": 7}})
        assert api.send({**own, "page": 2, "limit": 3})[1]["data"] == {"candidates": CANDIDATES[3:6], "total": 7}
        assert api.send({**own, "page": 30, "limit": 3})[1]["data"] == {"candidates": [], "total": 7}
        assert api.send({**own, "interviewId": CANDIDATES[4]["id"]}) == (200, {"success": True, "data": CANDIDATES[4]})
        high = [one for one in CANDIDATES if one["additionalFields"]["Manual Score"] >= 50]
        assert 1 < len(high) < 7
        asked = {**own, "additionalFields": {"Manual Score": 50}, "page": 2, "limit": 1}
        assert api.send(asked)[1]["data"] == {"candidates": high[1:2], "total": len(high)}
        asked["additionalFields"] = {"Manual Score": str(high[0]["additionalFields"]["Manual Score"])}  # never a number
        assert api.send(asked)[1]["data"] == {"candidates": [], "total": 0}


def test_a_wrong_request_is_answered_with_its_status_and_a_message() -> None:
    own = {"interviewerId": "interviewer-1"}
    with command("--interviewers=1", "--candidates=2", end=CTRL_C) as api:
        wrong = [({"interviewerId": "interviewer-2"}, 404), ({**own, "interviewId": "none"}, 404), ([], 400), ({}, 400)]
        wrong += [
            ({**own, name: value}, 400) for name, value in (("page", 0), ("limit", True), ("additionalFields", []))
        ]
        responses = [(api.send(body), status) for body, status in wrong]
        responses += [(api.send(own, key="another"), 401), (api.send(own, path="/api"), 404)]
        with socket.create_connection(("127.0.0.1", api.port)) as leaving:
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
            leaving.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)  # a reset, not an end
    for (found, body), status in responses:
        assert (found, body["success"], bool(body["message"])) == (status, False, True)


def test_a_bad_option_or_a_taken_port_ends_the_command_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        ports = [f"--port={port}" for port in (65_536, "http", taken.getsockname()[1])]
        for option in (*ports, "--candidates=-1", "--interviewers=0", "--flood"):
            with pytest.raises(SystemExit) as ended:
                main([option])
            out, err = capsys.readouterr()
            assert (ended.value.code, out) == (2, "")
            name, _, value = option.lstrip("-").partition("=")
            assert err.startswith("tap-interviewflow-sandbox: ")
            assert name in err
            assert value in err or name != "port"
            assert err.count("\n") == 1
