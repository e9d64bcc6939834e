"""The way to the API: its time limit, its origin, the environment's proxies and authorities, and why it fails."""

from __future__ import annotations

import http.server
import socket
import socketserver
import ssl
import threading
import time as real_time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from singer_sdk.exceptions import FatalAPIError

from tests.api.conftest import KEY, ONE, WHAT, page
from tests.sandbox import PATH, Sandbox
from tests.wire import ok, read_request, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from tap_interviewflow.api.client import Client
    from tests.api.conftest import FakeTime, NewClient


def failure(client: Client) -> str:
    """The line that a request ends with."""
    with pytest.raises(FatalAPIError) as raised:
        client.fetch(page(1), WHAT)
    line = str(raised.value)
    assert line.startswith(f"{WHAT}: ")
    assert "\n" not in line
    assert KEY not in line
    return line.removeprefix(f"{WHAT}: ")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_follow_a_redirect_to_another_host(new_client: NewClient, status: int) -> None:
    with Sandbox({ONE: 5}) as other:
        moved = ok(b"", f"Location: {other.url}{PATH}").replace(b"200 OK", f"{status} Moved".encode())
        with serving(lambda _: [moved]) as url:
            line = failure(new_client(url))
        assert not other.requests
    assert f"the API redirects to {other.url} ({status}), which is refused" in line
    assert "set api_url if the API has moved" in line


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/",
        "https://127.0.0.1:{port}/",
        "//127.0.0.2:{port}/",
        "http://127.0.0.1:{port}@127.0.0.2:{port}/",
        "http://127.0.0.2:{port}\\@localhost:{port}/",
        "http://[::1/",
        "http://127.0.0.1:99999999/",
        "ftp://127.0.0.1/",
        "javascript:alert(1)",
        "http://\x1b[31m/",
        "http://\x1b31m.example.com/",
        "http://" + "x" * 1000 + "/",
    ],
)
def test_a_redirect_to_another_origin_is_refused_however_it_is_spelt(new_client: NewClient, location: str) -> None:
    with Sandbox({ONE: 5}) as api:
        api.faults = {(ONE, 1): f"always:redirect:{location.format(port=api.port)}"}
        line = failure(new_client(api))
        assert "which is refused" in line
        assert line.isprintable()
        assert len(line) < 300
        assert len(api.requests) == 1


@pytest.mark.parametrize("location", [PATH, "{url}" + PATH, "http://127.0.0.2:{port}\\@127.0.0.1:{port}" + PATH])
def test_a_redirect_within_the_origin_is_followed(new_client: NewClient, location: str) -> None:
    with Sandbox({ONE: 5}) as api:
        api.faults = {(ONE, 1): [f"redirect:{location.format(port=api.port, url=api.url)}"]}
        assert len(new_client(api).fetch(page(1), WHAT).document["data"]["candidates"]) == 5
        assert [headers["x-api-key"] for headers in api.headers] == [api.key] * 2
        assert api.requests == [page(1)] * 2


def test_a_redirect_leads_to_the_place_that_it_names(new_client: NewClient) -> None:
    seen = []

    def see(request: bytes) -> list[bytes]:
        seen.append(request.partition(b"\r\n")[0])
        moved = ok(b"", "Location: ../new?a=1#b").replace(b"200 OK", b"308 Moved")
        return [ok(b"{}") if len(seen) > 1 else moved]

    with serving(see) as url:
        new_client(url).fetch(page(1), WHAT)
    assert seen == [f"POST {PATH} HTTP/1.1".encode(), b"POST /api/external/new?a=1 HTTP/1.1"]


def test_a_redirect_that_would_drop_the_body_is_refused_within_the_origin_as_well(new_client: NewClient) -> None:
    moved = ok(b"", f"Location: {PATH}").replace(b"200 OK", b"302 Found")
    with serving(lambda _: [moved]) as url:
        assert failure(new_client(url)).startswith(f"the API redirects to {url} (302), which is refused")


def test_redirects_in_circles_end(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): f"always:redirect:{PATH}"}) as api:
        assert failure(new_client(api)) == "the API redirects in circles"
        assert len(api.requests) == 4


# Time


DRIPS: dict[str, bytes] = {
    "status": b"HTTP/1.1 200 OK" + b" " * 10**5,
    "headers": b"HTTP/1.1 200 OK\r\n" + b"X-Padding: x\r\n" * 50 + b"X-Padding: " + b"x" * 10**4,
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b" " * 10**5,
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 10**4,
    "extension": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 10**4,
    "error": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 99999\r\n\r\n" + b" " * 10**5,
    "wait": b"HTTP/1.1 100 Continue\r\n\r\n" * 10**4,
    "hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10,
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("part", DRIPS)
def test_no_part_of_an_answer_may_come_drop_by_drop(new_client: NewClient, part: str) -> None:
    def drip(_: bytes) -> Iterator[bytes]:
        for place in range(len(DRIPS[part])):
            yield DRIPS[part][place : place + 1]
            if place > 40:
                real_time.sleep(0.02)

    with serving(drip) as url:
        line = failure(new_client(url, request_timeout=0.1, patience=0.2))
    assert line.startswith("no answer within 0.1 s (request_timeout); gave up") or line == "400 Bad Request"


def test_a_redirect_does_not_begin_the_time_anew(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}) as api:
        api.latency = 0.15
        api.faults = {(ONE, 1): [f"redirect:{PATH}"] * 3}
        assert failure(new_client(api, request_timeout=0.4, patience=0.1)).startswith("no answer within 0.1 s")


# Not an answer


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "the connection failed: it was closed without an answer"),
        (b"\x16\x03\x01\x02\x00", "the connection failed: the answer is not valid HTTP"),
        (b"220 mail.example.com ESMTP\r\n", "the connection failed: the answer is not valid HTTP"),
        (b"HTTP/1.1 2000 Good\r\n\r\n", "the connection failed: the answer is not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n{}", "the connection failed: the answer is not valid HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n", "the connection failed: the answer is not valid HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 10**5 + b"\r\n\r\n",
            "the connection failed: the answer is not valid HTTP",
        ),
        (b"HTTP/1.1 200 OK\r\nada@example.com\r\nContent-Length: 1\r\n\r\n{", "the body is not valid JSON"),
        (b"HTTP/1.1 102 Processing\r\n\r\n", "the connection failed: it was closed without an answer"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50, "103 Early Hints"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "101 Switching Protocols"),
    ],
)
def test_what_is_no_answer_is_tried_again_and_quoted_nowhere(
    new_client: NewClient, caplog: pytest.LogCaptureFixture, said: bytes, reason: str
) -> None:
    for name in (None, "urllib3.connection"):  # a level that somebody has set once would stay
        caplog.set_level("DEBUG", name)
    with serving(lambda _: [said]) as url:
        assert failure(new_client(url)).endswith(f"{reason}; gave up after 8 tries")
    assert "example.com" not in caplog.text
    assert "Failed to parse headers" not in caplog.text


@contextmanager
def answering(*pieces: bytes) -> Generator[str]:
    """A server of the standard library that keeps connections open, and begins each answer with these pieces."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            for piece in pieces:
                self.wfile.write(piece)
                self.wfile.flush()
                real_time.sleep(0.005)
            self.send_response(200)
            self.send_header("Content-Length", str(len(asked)))
            self.end_headers()
            self.wfile.write(asked)

        def log_request(self, code: int | str = "", size: int | str = "") -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 199 Odd\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_what_is_announced_before_an_answer_is_not_taken_for_it(
    new_client: NewClient, time: FakeTime, before: bytes
) -> None:
    with answering(before, before) as url:
        client = new_client(url)
        for number in range(1, 4):
            assert client.fetch(page(number), WHAT).document == page(number)
    assert time.now == 0


# Credentials from the surroundings


def test_a_netrc_adds_no_credentials(new_client: NewClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox({ONE: 5}) as api:
        client = new_client(api)
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password something\n")
        (tmp_path / "netrc").chmod(0o600)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        client.fetch(page(1), WHAT)
        (headers,) = api.headers
    assert not headers.keys() & {"authorization", "cookie", "proxy-authorization"}


def test_a_cookie_is_not_kept(new_client: NewClient) -> None:
    seen = []

    def see(request: bytes) -> list[bytes]:
        seen.append(request)
        return [ok(b"{}", "Set-Cookie: session=1")]

    with serving(see) as url:
        client = new_client(url)
        client.fetch(page(1), WHAT)
        client.fetch(page(2), WHAT)
    assert len(seen) == 2
    assert not [request for request in seen if b"cookie" in request.lower()]


# Proxies


@contextmanager
def proxying(refusal: bytes = b"") -> Generator[tuple[str, list[bytes]]]:
    """A proxy that tunnels, and passes on what it is asked for in full, or refuses everything."""
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
            if refusal:
                connection.sendall(refusal)
                return
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


VARIABLES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]


@pytest.mark.parametrize("name", VARIABLES)
def test_a_proxy_of_the_environment_is_used(new_client: NewClient, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with proxying() as (address, seen), Sandbox({ONE: 5}) as api:
        monkeypatch.setenv(name, f"http://someone:something@{address}")
        api.faults = {(ONE, 1): [f"redirect:http://127.0.0.2:1\\@127.0.0.1:{api.port}{PATH}#there"]}
        assert new_client(api).fetch(page(1), WHAT).status == 200
    assert len(seen) == 2
    for head in seen:
        assert head.startswith(f"POST {api.url}{PATH} HTTP/1.1\r\n".encode())
        assert b"Proxy-Authorization: Basic " in head


def test_no_proxy_is_used_for_a_host_that_needs_none(new_client: NewClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying() as (address, seen), Sandbox({ONE: 5}) as api:
        monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert new_client(api).fetch(page(1), WHAT).status == 200
    assert not seen


@pytest.mark.parametrize("name", VARIABLES)
def test_a_proxy_that_does_not_listen_is_named_by_its_variable(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:2")
    monkeypatch.setenv(name, "http://someone:something@127.0.0.1:1")
    with Sandbox({ONE: 5}) as api:
        line = failure(new_client(api))
    assert line.startswith(f"the proxy of the environment ({name}) does not connect: ")
    assert "something" not in line


def test_the_lower_case_name_of_a_proxy_counts_as_it_does_elsewhere(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:2")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with Sandbox({ONE: 5}) as api:
        assert failure(new_client(api)).startswith("the proxy of the environment (http_proxy) does not connect: ")


@pytest.mark.parametrize(
    "proxy", ["socks9://127.0.0.1:1", "socks5://127.0.0.1:1", "ftp://127.0.0.1:1", "http://", "http://[::1"]
)
def test_a_proxy_of_an_unknown_kind_is_named_by_its_variable(
    new_client: NewClient, time: FakeTime, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with Sandbox({ONE: 5}) as api:
        line = failure(new_client(api))
    assert line.startswith("the proxy of the environment (ALL_PROXY) is of a kind that is not supported")
    assert ("SOCKS needs the package PySocks" in line) == proxy.startswith("socks")
    assert time.now == 0


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("407 Who Are You", "refuses to connect: 407 Proxy Authentication Required"),
        ("403 ada@example.com", "refuses to connect: 403 Forbidden"),
        ("502 Odd", "refuses to connect: 502 Bad Gateway; gave up after 8 tries"),
    ],
)
def test_a_proxy_that_refuses_is_named_with_its_reason(
    new_client: NewClient, time: FakeTime, monkeypatch: pytest.MonkeyPatch, refusal: str, said: str
) -> None:
    with proxying(f"HTTP/1.1 {refusal}\r\n\r\n".encode()) as (address, _):
        monkeypatch.setenv("https_proxy", f"http://{address}")
        line = failure(new_client("https://api.example.com"))
    assert line == f"the proxy of the environment (https_proxy) {said}"
    assert (time.now > 0) == ("tries" in said)


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def secure_api(
    authority: trustme.CA, name: str = "127.0.0.1", days: tuple[int, int] = (-9, 9)
) -> Generator[tuple[str, list[bytes]]]:
    seen: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    begins, ends = (datetime.now(UTC) + timedelta(days=number) for number in days)
    authority.issue_cert(name, not_before=begins, not_after=ends).configure_cert(context)

    def see(request: bytes) -> list[bytes]:
        seen.append(request)
        return [ok(b'{"data": []}')]

    with serving(see, context) as url:
        yield url, seen


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


@pytest.fixture
def trust(trusted: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What has the environment name the authority."""
    return lambda: monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_ones_own_is_trusted_by_the_usual_variable(
    new_client: NewClient, authority: trustme.CA, trusted: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with secure_api(authority) as (url, seen):
        client = new_client(url)
        monkeypatch.setenv(name, trusted)
        for _ in range(3):
            assert client.fetch(page(1), WHAT).document == {"data": []}
    assert len(seen) == 3


@pytest.mark.parametrize("name", [None, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_that_nobody_knows_is_refused_even_where_the_variable_is_empty(
    new_client: NewClient, time: FakeTime, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    with secure_api(authority) as (url, seen):
        client = new_client(url)
        if name is not None:
            monkeypatch.setenv(name, "")
        line = failure(client)
    reason = "its certificate authority is not known here; REQUESTS_CA_BUNDLE can name it"
    assert line.endswith(f"can't be verified: {reason}")
    assert (seen, time.now) == ([], 0)


def test_a_certificate_of_another_host_says_so(
    new_client: NewClient, authority: trustme.CA, trusted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("api.example.com", "127.0.0.2"):
        with secure_api(authority, name) as (url, seen):
            client = new_client(url)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
            for asked in (client, new_client(url.replace("127.0.0.1", "localhost"))):
                monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
                assert failure(asked) == (
                    "the TLS certificate of the API can't be verified: it is for another host; check api_url"
                )
        assert not seen


@pytest.mark.parametrize(
    ("days", "reason"),
    [((-9, -1), "it has expired"), ((1, 9), "it is not valid yet; is the clock of this machine right?")],
)
def test_a_certificate_out_of_its_time_says_so(
    new_client: NewClient, authority: trustme.CA, trust: Callable[[], None], days: tuple[int, int], reason: str
) -> None:
    with secure_api(authority, days=days) as (url, _):
        client = new_client(url)
        trust()
        assert failure(client) == f"the TLS certificate of the API can't be verified: {reason}"


@pytest.mark.parametrize("content", [None, "no certificate"])
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_that_holds_no_certificates_is_named_by_its_variable(
    new_client: NewClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    client = new_client("https://127.0.0.1:1")
    monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    assert failure(client) == f"there are no certificates where {name} points to"


def test_what_speaks_no_tls_is_tried_again(new_client: NewClient, time: FakeTime) -> None:
    class Greeter(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"220 mail.example.com ESMTP\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeter) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        line = failure(new_client(f"https://127.0.0.1:{server.server_address[1]}"))
        server.shutdown()
        thread.join()
    assert line == "the TLS connection failed: wrong version number; gave up after 8 tries"
    assert time.now > 0


def test_a_proxy_sees_neither_key_nor_candidates_of_a_secure_api(
    new_client: NewClient, authority: trustme.CA, trusted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxying() as (address, seen), secure_api(authority) as (url, _):
        client = new_client(url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        assert client.fetch(page(1), WHAT).document == {"data": []}
    assert seen
    assert all(head.startswith(b"CONNECT ") and KEY.encode() not in head for head in seen)


def test_a_secure_proxy_is_checked_with_the_same_authorities(
    new_client: NewClient, authority: trustme.CA, trusted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with secure_api(authority) as (proxy, seen), secure_api(authority) as (url, _):
        client = new_client(url)
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        line = failure(client)
        assert line.startswith("the TLS certificate of the proxy of the environment (HTTPS_PROXY) can't be verified")
        assert "its certificate authority is not known here" in line
        assert not seen
        client = new_client(url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", trusted)
        failure(client)  # this proxy is none, but was believed
    assert seen[0].startswith(b"CONNECT ")
    assert KEY.encode() not in seen[0]
