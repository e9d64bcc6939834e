from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from tap_interviewflow.sandbox import PATH


def test_the_command_serves_until_it_is_told_to_end() -> None:
    command = [sys.executable, "-m", "tap_interviewflow.sandbox", "--interviewers", "2", "--candidates", "7"]
    command += ["--key", "chosen", "--warm", "5", "--metadata", "total", "--max-limit", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url, _, interviewers = process.stdout.readline().strip().partition(" ")
        assert interviewers == "interviewer-1,interviewer-2"
        with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)) as connection:
            body = json.dumps({"interviewerId": "interviewer-2", "limit": 100})
            connection.request("POST", PATH, body, {"X-API-KEY": "chosen"})
            with connection.getresponse() as response:
                data = json.load(response)["data"]
        assert (len(data["candidates"]), data["total"]) == (5, 7)
        process.terminate()
        _, complaints = process.communicate(timeout=5)
        assert complaints == ""
        if os.name != "nt":  # where to terminate is to kill
            assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_ctrl_c_ends_the_command_quietly() -> None:
    command = [sys.executable, "-m", "tap_interviewflow.sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=5) == ("", "")
        assert process.returncode == 0
