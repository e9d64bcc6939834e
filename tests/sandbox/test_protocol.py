from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from contextlib import closing

import pytest

from tests.sandbox import PATH, Sandbox
from tests.sandbox.client import ONE, ask, request


def test_one_connection_serves_many_requests() -> None:
    with Sandbox({ONE: 1}) as api, closing(http.client.HTTPConnection("127.0.0.1", api.port)) as connection:
        for _ in range(3):
            connection.request("POST", PATH, json.dumps({"interviewerId": ONE}), {"X-API-KEY": api.key})
            first = connection.sock
            with connection.getresponse() as response:
                assert len(json.load(response)["data"]["candidates"]) == 1
            assert connection.sock is first


def test_a_connection_closes_when_the_client_asks_for_it() -> None:
    with Sandbox({ONE: 1}) as api, socket.create_connection(("127.0.0.1", api.port), timeout=5) as client:
        client.sendall(f"POST {PATH} HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        with client.makefile("rb") as stream:
            assert stream.read().startswith(b"HTTP/1.1 401 ")


def test_what_does_not_speak_http_is_hung_up_on() -> None:
    with Sandbox({ONE: 1}) as api, socket.create_connection(("127.0.0.1", api.port), timeout=5) as client:
        client.sendall(b"hello\r\n")
        assert client.recv(100) == b""


@pytest.mark.parametrize("fault", ["hang", "drip", "sleep:60"])
def test_stopping_waits_for_nobody_and_leaves_no_thread(fault: str) -> None:
    before = set(threading.enumerate())
    api = Sandbox({ONE: 1}, faults={1: fault}, drip_seconds=60)
    api.start()
    with (
        socket.create_connection(("127.0.0.1", api.port)),
        socket.create_connection(("127.0.0.1", api.port)) as busy,
    ):
        busy.sendall(request())
        while not api.requests:
            time.sleep(0.001)
        api.stop()
    assert set(threading.enumerate()) <= before


def test_a_stopped_sandbox_refuses_connections_and_can_start_again_where_it_was() -> None:
    api = Sandbox({ONE: 1})
    with api:
        url = api.url
        assert url == f"http://127.0.0.1:{api.port}"
    with pytest.raises(ConnectionRefusedError):
        ask(api)
    with api:
        assert api.url == url
        assert ask(api).status == 200
