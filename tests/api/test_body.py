"""The bodies of answers, made or broken to harm: one line, and a bound for bytes, memory and time."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api import body
from tap_interviewflow.records.json import Document
from tests.api.conftest import ONE, WHAT, answer, page
from tests.sandbox import Sandbox
from tests.wire import ok, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import NewClient

MIB = 2**20


def failure(new_client: NewClient, said: bytes) -> str:
    with serving(lambda _: [said]) as url, pytest.raises(FatalAPIError) as raised:
        new_client(url).fetch(page(1), WHAT)
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix(f"{WHAT}: ")


@pytest.mark.parametrize("fault", ["gzip", "chunked"])
def test_a_packed_or_chunked_body_is_read_like_a_plain_one(new_client: NewClient, fault: str) -> None:
    with Sandbox({ONE: 50}, faults={(ONE, 1): [fault]}) as api:
        client = new_client(api)
        assert client.fetch(page(1), WHAT).document == client.fetch(page(1), WHAT).document
        assert len(api.requests) == 2


def test_a_body_of_several_packed_pieces_is_read_whole(new_client: NewClient) -> None:
    packed = gzip.compress(b'{"data"') + gzip.compress(b": []") + gzip.compress(b"}") + b"\x00"
    with serving(lambda _: [ok(packed, "Content-Encoding: x-gzip")]) as url:
        assert new_client(url).fetch(page(1), WHAT).document == {"data": []}


def test_a_body_that_ends_with_the_connection_is_read_whole(new_client: NewClient) -> None:
    with serving(lambda _: [b"HTTP/1.0 200 OK\r\nContent-Encoding: identity\r\n\r\n", b'{"data":', b" []}"]) as url:
        assert new_client(url).fetch(page(1), WHAT).document == {"data": []}


@pytest.mark.parametrize(
    "packed",
    [
        *(gzip.compress(b"{}")[:-4], gzip.compress(b"{}")[:8], b"", b"{}", b"\x1f\x8b"),
        gzip.compress(b"{}")[:10] + b"\xff" * 32,
        gzip.compress(b"{}") + gzip.compress(b"{}")[:12],
        gzip.compress(b"") * 100_000,
    ],
    # What is packed tells the time: two processes would not agree on the names of the tests.
    ids=["no end", "no head", "empty", "not packed", "its first bytes", "broken", "one more cut", "many"],
)  # fmt: skip
def test_broken_compression_is_tried_again(new_client: NewClient, packed: bytes) -> None:
    said = ok(packed, "Content-Encoding: gzip")
    assert failure(new_client, said) == "the answer's compression is broken; gave up after 8 tries"


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,gzip,gzip,gzip", "br, gzip", "gzip, identity, deflate"])
def test_compression_within_compression_is_refused(new_client: NewClient, encoding: str) -> None:
    said = ok(gzip.compress(gzip.compress(b"{}")), f"Content-Encoding: {encoding}")
    assert failure(new_client, said) == "the answer is compressed more than once, which was not asked for"


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "compress"])
def test_compression_that_was_not_asked_for_is_named(new_client: NewClient, encoding: str) -> None:
    said = ok(zlib.compress(b"{}"), f"Content-Encoding: {encoding}")
    assert failure(new_client, said) == f"the answer is compressed with {encoding}, which was not asked for"


@pytest.mark.parametrize("encoding", ["identity", "utf-8", "", "none"])
def test_an_encoding_that_is_no_compression_changes_nothing(new_client: NewClient, encoding: str) -> None:
    with serving(lambda _: [ok(b"{}", f"Content-Encoding: {encoding}")]) as url:
        assert new_client(url).fetch(page(1), WHAT).document == {}


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nada@example.com\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}",
    ],
)
def test_a_body_that_breaks_off_is_tried_again(new_client: NewClient, said: bytes) -> None:
    assert failure(new_client, said) == "the connection broke in the middle of the answer; gave up after 8 tries"


@pytest.mark.parametrize("said", [b"", b"{", b"<h1>ada@example.com</h1>", "{'a': 'Zoë'}".encode("latin-1"), b"{} {}"])
def test_what_is_not_json_is_tried_again_and_not_quoted(new_client: NewClient, said: bytes) -> None:
    line = failure(new_client, ok(said, "Content-Type: application/json; charset=latin-1"))
    assert line == "the answer is not usable: the body is not valid JSON; gave up after 8 tries"


# Too much


@pytest.mark.parametrize("length", [f"Content-Length: {2**62}", f"Content-Length: {64 * MIB + 1}"])
def test_a_body_that_says_it_is_too_large_is_not_even_read(new_client: NewClient, length: str) -> None:
    said = f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n".encode()
    assert failure(new_client, said) == "the answer is larger than 64 MiB; set a smaller page_size"


@pytest.mark.parametrize(
    ("head", "most", "line"),
    [
        (b"HTTP/1.1 200 OK", 80 * MIB, "the answer is larger than 64 MiB; set a smaller page_size"),
        (b"HTTP/1.1 400 Bad Request", 16 * MIB, "400 Bad Request"),
        (b"HTTP/1.1 503 Busy", 16 * MIB, "503 Service Unavailable; gave up after 8 tries"),
    ],
)
def test_a_body_without_an_end_is_not_read_to_it(new_client: NewClient, head: bytes, most: int, line: str) -> None:
    sent = []

    def without_end(_: bytes) -> Iterator[bytes]:
        sent.append(0)
        yield head + b'\r\n\r\n{"message": "'
        while True:
            yield b"x" * 2**16
            sent[-1] += 2**16

    with serving(without_end) as url, pytest.raises(FatalAPIError) as raised:
        new_client(url).fetch(page(1), WHAT)
    assert str(raised.value) == f"{WHAT}: {line}"
    assert max(sent) < most


def test_a_packed_message_of_an_error_is_shown(new_client: NewClient) -> None:
    said = answer("400 Bad Request", gzip.compress(b'{"message": "page is odd"}'), "Content-Encoding: gzip")
    assert failure(new_client, said) == "400 Bad Request: the API says “page is odd”"


@pytest.mark.parametrize("said", [b"[" * 2**16, b'{"a":' * 2**14, b"[" * 2**16 + b"]" * 2**16])
def test_brackets_without_an_end_are_one_line(new_client: NewClient, said: bytes) -> None:
    assert failure(new_client, ok(said)) == "the answer is nested too deeply to be read"


@pytest.mark.parametrize("form", ["{}", "-{}", "0.{}", "{}.5", "1e{}"])
def test_a_number_of_a_million_digits_is_read(new_client: NewClient, form: str) -> None:
    number = form.format("7" * 10**6)
    with serving(lambda _: [ok(f"[{number}]".encode())]) as url:
        (read,) = new_client(url).fetch(page(1), WHAT).document
    assert str(read).lower().replace("+", "").replace("e", "") != ""


MANY: dict[str, tuple[bytes, int]] = {
    "objects": (b"{},", 650_000),
    "lists": (b"[],", 900_000),
    "numbers": (b"1.5,", 3_100_000),
    "texts": (b'"a",', 3_100_000),
    "members": (b'{"a":1.5},', 600_000),
    "names": (b'"a":1.5,', 1_300_000),
    "nested": (b'{"a":' * 50 + b"0" + b"}" * 50 + b",", 15_000),
}


@pytest.mark.parametrize("kind", MANY)
def test_many_tiny_values_are_refused_before_they_are_decoded(kind: str) -> None:
    value, count = MANY[kind]
    with pytest.raises(FatalAPIError, match=r"^the answer holds too much .* values\); set a smaller page_size$"):
        body.decode(b"[" + value * count + b"0]")


@pytest.mark.parametrize(
    ("character", "copies"),
    [
        ("😀".encode(), 10),
        (rb"\ud83d\ude00", 10),
        (rb"\uD83D\uDE00", 10),
        ("—".encode(), 6),
        (rb"\u2014", 6),
        (rb"\u0000", 8),
    ],
)
def test_one_character_that_widens_a_text_counts_for_all_of_it(
    monkeypatch: pytest.MonkeyPatch, character: bytes, copies: int
) -> None:
    most = 16 * MIB // copies
    monkeypatch.setattr(body, "MAX_MEMORY", 16 * MIB)
    (text,) = body.decode(b'["' + b"x" * (most - 1000) + character + b'"]').value
    assert len(text) == most - 1000 + 1
    with pytest.raises(FatalAPIError, match="holds too much"):
        body.decode(b'["' + b"x" * most + character + b'"]')


def test_control_characters_count_for_what_they_are_written_as() -> None:
    with pytest.raises(FatalAPIError, match="holds too much"):
        body.decode(b'["' + b"\x01" * (30 * MIB) + b'"]')
    assert body.decode(b'["' + b"\t" * (30 * MIB) + b'"]').value == ["\t" * (30 * MIB)]


def test_large_bodies_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    busy: set[int] = set()

    def decode(content: bytes) -> Document:
        busy.add(threading.get_ident())
        at_once.append(len(busy))
        time.sleep(0.02)
        busy.remove(threading.get_ident())
        return Document(len(content))

    monkeypatch.setattr("tap_interviewflow.records.json.decode", decode)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(body.decode, [b" " * 4 * MIB] * 4))
    assert at_once == [1] * 4


def test_twenty_thousand_candidates_are_read_where_an_api_sends_all_at_once() -> None:
    candidates = Sandbox({ONE: 100}).candidates(ONE) * 200
    assert len(body.decode(msgspec.json.encode(candidates)).value) == 20_000


def peak(*urls: str) -> tuple[list[str], int]:
    """Fetch in a process of its own, and give how each ended and the most memory that it had."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the peak of a process apart from that of its parent")
    script = (
        "import sys\n"
        "import singer_sdk\n"
        "from tap_interviewflow.api.client import Client\n"
        "for url in sys.argv[1:]:\n"
        "    client = Client({'api_url': url, 'api_key': 'key', 'request_timeout': 60, 'max_parallel_requests': 1})\n"
        "    try:\n        print(type(client.fetch({}, 'page').document).__name__)\n"
        "    except Exception as error:\n        print(error)\n"
        "print(*[line for line in open('/proc/self/status') if 'VmHWM' in line])"
    )
    command = [sys.executable, "-c", script, *urls]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    *lines, status = ended.stdout.splitlines()[: len(urls) + 1]
    return lines, int(status.split()[1]) * 1024


def answer_of(pieces: list[bytes], _: bytes) -> list[bytes]:
    return pieces


def bomb(size: int) -> bytes:
    """Pack so many MiB of nothing."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    first, again = (packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (size - 1)


HUGE: dict[str, Any] = {
    "objects": lambda: ok(b"[" + b"{}," * (64 * MIB // 3 - 3) + b"{}]"),
    "text": lambda: ok(b'["' + b"x" * 63 * MIB + b'"]'),
    "wide": lambda: ok(b'["' + b"x" * (body.MAX_MEMORY // 13 - 100) + "😀".encode() + b'\\u0000"]'),
    "packed": lambda: ok(bomb(400), "Content-Encoding: gzip"),
    "members": lambda: ok(b"[" + b'{"a":1.5},' * 500_000 + b'"\\u0000"]'),
    "names": lambda: ok(b"{" + b",".join(b'"%d":1.5' % number for number in range(10**6)) + b',"z":"\\u0000"}'),
    "lists": lambda: ok(b"[" + b"[1.5]," * 700_000 + b'"\\u0000"]'),
    "digits": lambda: ok(b"[" + b"7" * 63 * MIB + b"]"),
}


@pytest.mark.parametrize(
    "kinds", [("packed", "objects"), *(pytest.param((kind,), marks=pytest.mark.slow) for kind in HUGE)], ids="+".join
)
def test_no_answer_needs_more_than_400_mib(kinds: tuple[str, ...]) -> None:
    answers = [[HUGE[kind]()] for kind in kinds]
    with ExitStack() as servers:
        lines, most = peak(*(servers.enter_context(serving(partial(answer_of, each))) for each in answers))
    assert all(line in {"dict", "list"} or line.endswith("set a smaller page_size") for line in lines)
    assert most < 400 * MIB
