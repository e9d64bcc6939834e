"""What must not be told is told nowhere: no key, no candidate, no body, whatever fails and however much is logged."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tap_interviewflow import client
from tap_interviewflow.client import InterviewFlowStream
from tap_interviewflow.retries import Clock, Retries
from tap_interviewflow.sandbox import FAULTS, PATH, Sandbox
from tests.runs import config_for, run_here, run_process, start, write
from tests.test_faults import CATALOG, FINAL, PASSING
from tests.wire import ok, read_request, serving

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.conftest import Read
    from tests.runs import Run

ONE = "interviewer-1"
KEY = "key-that-nobody-may-see"
FAILURES = sorted({*PASSING, *FINAL, "402", "409", "422", "501", *FAULTS} - {"sleep", "huge", "redirect", "body"})
PAGES = {"data": {"candidates": [{"id": "1", "name": "Ada Lovelace", "email": "ada@example.com"}]}}


@pytest.fixture(autouse=True)
def _everything_is_logged_and_nothing_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    hours = iter(range(10**9))
    monkeypatch.setattr(client, "Retries", lambda: Retries(Clock(lambda: next(hours) * 3600.0, lambda _: None)))
    monkeypatch.setattr(InterviewFlowStream, "timeout", 0.15)


def personal(api: Sandbox) -> set[str]:
    """What is personal of the candidates: values, and the pieces that a truncated one would leave."""
    found = {KEY}
    for interviewer in api.interviewers:
        for candidate in api.candidates(interviewer):
            found |= {str(candidate[name]) for name in ("name", "email", "resumeUrl") if candidate.get(name)}
    return found


def assert_tells_nothing(run: Run, secrets: set[str]) -> None:
    assert not [secret for secret in secrets if secret in run.err]
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", run.err)
    assert not re.search(r'candidates\\?"\s*:', run.err)  # the beginning of any body
    assert KEY not in run.out
    for message in run.messages:
        if message["type"] != "RECORD":
            assert not [secret for secret in secrets if secret in json.dumps(message)]


@pytest.mark.parametrize("discovers", [False, True])
@pytest.mark.parametrize("fault", FAILURES)
def test_no_failure_tells_who_was_read_or_with_which_key(read: Read, fault: str, discovers: bool) -> None:  # noqa: FBT001
    with Sandbox({ONE: 30}, key=KEY, odd=True) as api:
        api.faults = {(ONE, 1 if discovers else 2): f"always:{fault}"}
        run = read(api, *(["--discover"] if discovers else []), page_size=10, catalog=None if discovers else CATALOG)
        secrets = personal(api)
    assert "DEBUG" in run.err
    if discovers and run.code == 0:
        run.out = ""  # a catalog
    assert_tells_nothing(run, secrets)


def test_a_good_run_tells_nothing_either(read: Read) -> None:
    with Sandbox({ONE: 30}, key=KEY, odd=True) as api:
        run = read(api, page_size=7, start_date="2020-01-01")
        assert run.code == 0
        assert_tells_nothing(run, personal(api))


def test_an_incremental_run_keeps_candidates_out_of_its_state(read: Read) -> None:
    catalog = json.loads(json.dumps(CATALOG))
    catalog["streams"][0] |= {"replication_method": "INCREMENTAL", "replication_key": "createdAt"}
    with Sandbox({ONE: 30}, key=KEY) as api:
        run = read(api, catalog=catalog)
        assert run.state["bookmarks"]["candidates"]["partitions"]
        assert_tells_nothing(run, personal(api))


def test_a_look_up_that_fails_tells_nothing(read: Read) -> None:
    with Sandbox({ONE: 30}, key=KEY, faults={(ONE, "nobody"): "always:422"}) as api:
        run = read(api, catalog=CATALOG, interview_ids=["nobody"])
        assert run.code == 1
        assert_tells_nothing(run, personal(api))


def test_a_defect_of_the_tap_tells_where_it_is_and_nothing_else(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        message = f"{KEY} {PAGES}"
        raise KeyError(message)

    monkeypatch.setattr("tap_interviewflow.pages.PageReader.read", broken)
    with Sandbox({ONE: 5}, key=KEY) as api:
        run = read(api, catalog=CATALOG)
        secrets = personal(api)
    assert run.lines("ERROR")[0].startswith("Unexpected KeyError in broken, line ")
    assert_tells_nothing(run, {*secrets, "Ada"})


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": KEY + "\n"},
        {"api_key": [KEY]},
        {"api_key": {KEY: KEY}},
        {"interviewer_ids": []},
        {"page_size": "many"},
        {"api_url": f"http://{KEY}@example.com"},
        {"api_url": f"https://user:{KEY}@127.0.0.1"},
        {"additional_fields": {"name": ["Ada Lovelace"]}},
        {"records_jsonpath": "$.["},
        {"user_agent": KEY + "\r\nX-Other: 1"},
        {"api_kye": KEY},
    ],
)
def test_a_bad_setting_is_named_and_not_quoted(read: Read, settings: dict[str, Any]) -> None:
    with Sandbox({ONE: 5}, key=KEY) as api:
        run = read(api, **settings)
    assert_tells_nothing(run, {KEY, "Ada"})


@pytest.mark.parametrize("text", [f'{{"api_key": "{KEY}"', f'["{KEY}"]', f'"{KEY}"'])
def test_a_broken_settings_file_is_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    run = run_here("--config", str(path))
    assert run.code == 1
    assert len(run.lines("ERROR")) == 1
    assert KEY not in run.err + run.out


@pytest.mark.parametrize("arguments", [[], ["--format=json"], ["--format=markdown"]])
def test_the_description_of_the_tap_holds_no_key(arguments: list[str]) -> None:
    run = run_here("--about", *arguments, environment={"TAP_INTERVIEWFLOW_API_KEY": KEY})
    assert run.code == 0
    assert "api_key" in run.out
    assert KEY not in run.out + run.err


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc to look it up in")
def test_the_key_is_not_in_the_list_of_processes(tmp_path: Path) -> None:
    with Sandbox({ONE: 5}, key=KEY, faults={1: "always:hang"}) as api:
        process = start("--config", write(tmp_path / "config.json", config_for(api)))
        while not api.requests:
            assert process.poll() is None
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.kill()
        process.communicate()
    assert b"tap_interviewflow" in shown
    assert KEY.encode() not in shown


# Credentials from the surroundings


def test_a_netrc_adds_no_credentials(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password something\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Sandbox({ONE: 5}, key=KEY) as api:
        assert read(api).code == 0
    for headers in api.headers:
        assert headers["x-api-key"] == KEY
        assert not headers.keys() & {"authorization", "cookie", "proxy-authorization"}


def test_a_cookie_is_not_kept(read: Read) -> None:
    seen = []

    def answer(request: bytes) -> list[bytes]:
        seen.append(request)
        return [ok(json.dumps(PAGES if len(seen) == 1 else []).encode(), "Set-Cookie: session=1")]

    with serving(answer) as url:
        read(Sandbox({ONE: 5}), api_url=url, catalog=CATALOG, max_parallel_requests=1)
    assert len(seen) >= 2
    assert not [request for request in seen if b"cookie" in request.lower()]


@contextmanager
def proxying() -> Generator[tuple[str, list[bytes]]]:
    """A proxy that tunnels, and passes on what it is asked for in full."""
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pipe(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(2**16):
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def attend(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            head = read_request(connection)
            seen.append(head)
            method, address, _ = head.split(b" ", 2)
            host, _, port = address.removeprefix(b"http://").partition(b"/")[0].partition(b":")
            with socket.create_connection((host.decode(), int(port))) as api:
                if method == b"CONNECT":
                    connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                else:
                    api.sendall(head.replace(b"http://" + host + b":" + port, b"", 1))
                threading.Thread(target=pipe, args=(api, connection), daemon=True).start()
                pipe(connection, api)

    def listen() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=attend, args=(connection,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(read: Read, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with proxying() as (address, seen), Sandbox({ONE: 5}, key=KEY) as api:
        monkeypatch.setenv(name, f"http://someone:something@{address}")
        monkeypatch.setattr(InterviewFlowStream, "timeout", 5)
        run = read(api)
    assert (run.code, len(run.ids)) == (0, 5)
    assert len(seen) >= 1
    assert "something" not in run.err


def test_no_proxy_is_used_for_a_host_that_needs_none(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying() as (address, seen), Sandbox({ONE: 5}, key=KEY) as api:
        monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert read(api).code == 0
    assert not seen


@pytest.mark.parametrize(
    ("proxy", "said"),
    [("http://someone:something@127.0.0.1:1", "HTTPS_PROXY) does not connect"), ("socks9://127.0.0.1:1", "of no kind")],
)
def test_a_proxy_that_does_not_work_ends_the_run_with_a_line(
    read: Read, monkeypatch: pytest.MonkeyPatch, proxy: str, said: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with Sandbox({ONE: 5}, key=KEY) as api:
        run = read(api)
    (line,) = run.lines("ERROR")
    assert said in line
    assert "something" not in run.err


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def secure_api(authority: trustme.CA, name: str = "127.0.0.1") -> Generator[tuple[str, list[bytes]]]:
    seen: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def answer(request: bytes) -> list[bytes]:
        seen.append(request)
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        return [ok(json.dumps(PAGES if body["page"] == 1 else []).encode())]

    with serving(answer, context) as url:
        yield url, seen


def read_securely(read: Read, url: str) -> Run:
    return read(Sandbox({ONE: 5}, key=KEY), api_url=url, catalog=CATALOG)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InterviewFlowStream, "timeout", 10)


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("name", [None, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_that_nobody_knows_is_refused_even_where_the_variable_is_empty(
    read: Read, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    if name is not None:
        monkeypatch.setenv(name, "")
    with secure_api(authority) as (url, seen):
        run = read_securely(read, url)
    (line,) = run.lines("ERROR")
    assert (run.code, seen) == (1, [])
    assert "REQUESTS_CA_BUNDLE" in line


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_ones_own_is_trusted_by_the_usual_variable(
    read: Read, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    with secure_api(authority) as (url, _):
        run = read_securely(read, url)
    assert (run.code, run.ids) == (0, ["1"])


@pytest.mark.usefixtures("patience")
def test_a_certificate_of_another_host_is_refused(
    read: Read, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with secure_api(authority, "api.example.com") as (url, seen):
        run = read_securely(read, url)
    assert (run.code, seen) == (1, [])
    assert "certificate can't be verified" in run.lines("ERROR")[0]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bundle_that_holds_no_certificates_ends_the_run_with_a_line(
    read: Read, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with secure_api(authority) as (url, _):
        run = read_securely(read, url)
    (line,) = run.lines("ERROR")
    assert run.code == 1
    assert "REQUESTS_CA_BUNDLE" in line


@pytest.mark.usefixtures("patience")
def test_a_proxy_sees_neither_key_nor_candidates_of_a_secure_api(
    read: Read, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with proxying() as (address, seen), secure_api(authority) as (url, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        run = read_securely(read, url)
    assert (run.code, run.ids) == (0, ["1"])
    assert seen
    assert all(head.startswith(b"CONNECT ") and KEY.encode() not in head for head in seen)


@pytest.mark.skipif(os.name == "nt", reason="the same as elsewhere")
def test_a_whole_process_tells_nothing_either(tmp_path: Path) -> None:
    with Sandbox({ONE: 30}, key=KEY, faults={(ONE, 2): "always:success-false-list"}) as api:
        config = write(tmp_path / "config.json", config_for(api, page_size=10))
        run = run_process("--config", config, environment={"LOGLEVEL": "DEBUG", "PYTHONWARNINGS": "default"})
        assert run.code == 1
        assert_tells_nothing(run, personal(api))
    assert PATH in run.err
