"""The way to the API: redirects, time limits, the environment's proxies and authorities, and what is no response."""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
import trustme
from singer_sdk.exceptions import FatalAPIError

from tests.api.conftest import KEY, ONE, WHERE, failure, failure_of, page
from tests.sandbox import PATH, Sandbox
from tests.wire import ok, serving

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.api.conftest import NewClient

FAR_API = "https://api.example.com"


class Authority:
    """An authority of the tests' own; its certificate is in the file ``bundle``."""

    def __init__(self, folder: Path) -> None:
        self.bundle = str(folder / "ca.pem")
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(self.bundle)

    @contextmanager
    def serving(
        self, name: str = "127.0.0.1", days: int = 9, *, is_proxy: bool = False
    ) -> Generator[tuple[str, list[bytes]]]:
        """Serve an empty list by TLS, with a certificate that ends in so many days; note what comes."""
        seen: list[bytes] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        begins, ends = (datetime.now(UTC) + timedelta(days=number) for number in (-9, days))
        self._authority.issue_cert(name, not_before=begins, not_after=ends).configure_cert(context)

        def see(request: bytes) -> list[bytes]:
            seen.append(request)
            return [ok(b'{"data": []}')]

        with serving(see, context, is_proxy=is_proxy) as url:
            yield url, seen


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


# Redirects


@pytest.mark.parametrize(
    "location",
    [
        *("http://localhost:{port}/", "https://127.0.0.1:{port}/", "//127.0.0.2:{port}/", "ftp://127.0.0.1/"),
        *("http://127.0.0.1:{port}@127.0.0.2:{port}/", "http://127.0.0.2:{port}\\@localhost:{port}/", "http://[::1/"),
        "http://127.0.0.1:99999999/",
        *(f"http://{before}{KEY}.example.com/" for before in ("", "x" * 84)),
        *("http://\x1b31m.example.com/", f"http://{'x' * 1000}/"),
    ],
)
def test_the_key_follows_no_redirect_to_another_origin(new_client: NewClient, location: str) -> None:
    with Sandbox({ONE: 5}) as api:
        api.faults = {(ONE, 1): f"always:redirect:{location.format(port=api.port)}"}
        line = failure(new_client(api))
        assert len(api.requests) == 1
    assert re.search(
        r"redirects to .{,150} \(307\), which is refused: the key and the candidates stay with api_url", line
    )
    assert KEY[:8] not in line


def test_a_key_with_blanks_is_not_shown_where_a_redirect_leads(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}, key="my  secret key", faults={(ONE, 1): "always:redirect:http://my  secret key/"}) as api:
        assert "secret" not in failure(new_client(api, api_key=api.key))


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_turn_the_post_into_a_get_says_so(new_client: NewClient, status: int) -> None:
    line = failure_of(new_client, ok(b"", f"Location: {PATH}/", status=f"{status} Found"))
    assert line.endswith(f" ({status}), which is refused: it would turn the POST into a GET")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("../new?a=1#b", "/api/external/new?a=1"),
        ("http://{host}", "/"),
        ("http://{host}//127.0.0.2/", "//127.0.0.2/"),
        ("http://someone:something@{host}/new", "/new"),
        ("http://127.0.0.2:1\\@{host}/new", "/new"),
    ],
)
@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_within_the_origin_is_followed(
    new_client: NewClient, status: int, location: str, target: str
) -> None:
    seen: list[bytes] = []

    def see(request: bytes) -> list[bytes]:
        seen.append(request)
        where = location.format(host=url.removeprefix("http://"))
        return [ok(b"{}") if len(seen) > 1 else ok(b"", f"Location: {where}", status=f"{status} Moved")]

    with serving(see) as url:
        new_client(url).fetch(page(1), WHERE)
    assert seen[1] == seen[0].replace(f"POST {PATH} ".encode(), f"POST {target} ".encode())


def test_redirects_in_circles_end(new_client: NewClient) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): f"always:redirect:{PATH}"}) as api:
        assert failure(new_client(api)) == "the API redirects in circles"
        assert len(api.requests) == 4


# Time


@pytest.mark.parametrize(("settings", "limit"), [({"request_timeout": 2}, 2), ({"patience": 8}, 3)])
def test_the_limit_of_connecting_counts_once_for_all_addresses_of_a_host(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, settings: dict[str, float], limit: float
) -> None:
    waited: list[float] = []

    def connect(self: socket.socket, _: object) -> None:
        waited.append(self.gettimeout() or 0)
        raise TimeoutError

    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 4)
    monkeypatch.setattr(socket.socket, "connect", connect)
    assert "no response within " in failure(new_client(FAR_API, **settings))
    assert sum(waited[:4]) == pytest.approx(limit, rel=0.1)
    assert len(waited) > 4


# Not a response, or not a whole one


@pytest.mark.parametrize(
    "response",
    [
        *(b"", b"\x16\x03\x01\x02\x00", b"220 mail.example.com ESMTP\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nada@example.com\r\nContent-Length: 1\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nada@example.com\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}",
        ok(b"<h1>ada@example.com</h1>", "Content-Type: application/json; charset=utf-8"),
        ok("{'a': 'Zoë'}".encode("latin-1"), "Content-Type: application/json; charset=latin-1"),
    ],
)
def test_what_is_no_whole_response_or_no_json_is_tried_again_and_quoted_nowhere(
    new_client: NewClient, caplog: pytest.LogCaptureFixture, response: bytes
) -> None:
    for name in (None, "urllib3.connection"):
        caplog.set_level("DEBUG", name)
    line = failure_of(new_client, response)
    assert line.endswith("; gave up after 8 tries")
    assert "ada" not in line
    assert "example.com" not in caplog.text


# Proxies


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("user", ["http://someone:something@", ""])
def test_a_proxy_of_the_environment_sees_neither_key_nor_candidates(
    new_client: NewClient, authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str, user: str
) -> None:
    with authority.serving("api.example.com", is_proxy=True) as (url, seen):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.bundle)
        monkeypatch.setenv(name, url.replace("http://", user))
        assert new_client(FAR_API).fetch(page(1), WHERE).document == {"data": []}
    opened, in_the_tunnel = seen
    assert opened.startswith(b"CONNECT api.example.com:443 HTTP/1.")
    assert (b"Proxy-Authorization: Basic " in opened) == bool(user)
    assert KEY.encode() not in opened
    assert KEY.encode() in in_the_tunnel


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_no_proxy_is_used_for_loopback(
    new_client: NewClient, authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str, host: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.bundle)
    with Sandbox({ONE: 5}) as api, authority.serving(host) as (url, _):
        monkeypatch.setenv(name, api.url)
        for origin in (url, api.url):
            assert new_client(origin.replace("127.0.0.1", host)).fetch(page(1), WHERE).document
    assert len(api.requests) == 1


@pytest.mark.parametrize("host", ["[::1]", "[0:0:0:0:0:0:0:1]", "[0::1]", "[::1%25lo]"])
def test_no_proxy_gets_the_key_however_loopback_is_spelled(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with Sandbox({ONE: 5}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert "proxy" not in failure(new_client(f"http://{host}:1"))
    assert not proxy.headers


def test_no_proxy_is_used_for_a_host_that_needs_none(new_client: NewClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setattr(socket, "getaddrinfo", Mock(side_effect=socket.gaierror))
    assert "the host api.example.com is not found" in failure(new_client(FAR_API))


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        (b"HTTP/1.1 407 Who Are You\r\n\r\n", "refuses to connect: 407 Proxy Authentication Required"),
        (b"HTTP/1.1 403 ada@example.com\r\n\r\n", "refuses to connect: 403 Forbidden"),
        (b"HTTP/1.1 502 Odd\r\n\r\n", "refuses to connect: 502 Bad Gateway; gave up after 8 tries"),
        (None, "does not connect: .+; gave up after 8 tries"),
    ],
)
def test_a_proxy_that_refuses_is_told_apart_from_the_api(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, refusal: bytes | None, line: str
) -> None:
    with serving(lambda _: [refusal or b""]) as url:
        monkeypatch.setenv("https_proxy", url if refusal else "http://someone:something@127.0.0.1:1")
        assert re.fullmatch(f"the proxy of the environment {line}", failure(new_client(FAR_API)))


# Certificates


@pytest.mark.parametrize(("name", "days"), [("api.example.com", 9), ("127.0.0.1", -1), ("127.0.0.1", 9)])
def test_a_certificate_that_can_not_be_verified_is_refused_at_once(
    new_client: NewClient, authority: Authority, monkeypatch: pytest.MonkeyPatch, name: str, days: int
) -> None:
    is_good = (name, days) == ("127.0.0.1", 9)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "" if is_good else authority.bundle)  # an empty one trusts the usual ones
    with authority.serving(name, days) as (url, seen):
        line = failure(new_client(url))
    assert line.startswith("the TLS certificate can't be verified: ")
    assert "gave up" not in line
    assert not seen


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        *(("ALL_PROXY", proxy, "the proxy of the environment is of a kind that is not supported")
          for proxy in ("socks9://127.0.0.1:1", "ftp://127.0.0.1:1", "http://", "http://a:b@[::1")),
        *((name, bundle, "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file of certificates")
          for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") for bundle in ("/dev/null/ca.pem", __file__)),
    ],
)  # fmt: skip
def test_a_proxy_or_a_bundle_that_can_not_be_used_is_refused_at_once(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(FatalAPIError, match=f"^{line}"):
        new_client(FAR_API)
