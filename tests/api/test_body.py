"""The bodies of responses: packed, in another encoding, or too much."""

from __future__ import annotations

import gzip
import threading
import time as real_time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_interviewflow.api.client import decode
from tap_interviewflow.records.json import Document
from tests.api.conftest import WHERE, failure, failure_of, page
from tests.wire import ok, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.conftest import NewClient

MIB = 2**20
TOO_LARGE = "the response is larger than 64 MiB; set a smaller page_size"


@pytest.mark.parametrize("sent", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_body_is_read_as_json_has_to_be_encoded_whatever_it_declares(new_client: NewClient, sent: str) -> None:
    good = ok('{"name": "Zoë"}'.encode(sent), "Content-Type: application/json; charset=iso-8859-1")
    with serving(lambda _: [good]) as url:
        assert new_client(url).fetch(page(1), WHERE).document == {"name": "Zoë"}


# Too much


@pytest.mark.parametrize(
    ("head", "most", "line"),
    [
        (b"HTTP/1.1 200 OK", 128 * MIB, TOO_LARGE),  # the buffers of the system among them
        (b"HTTP/1.1 400 Bad Request", 48 * MIB, "400 Bad Request"),
        (b"HTTP/1.1 503 Busy", 48 * MIB, "503 Service Unavailable; gave up after 8 tries"),
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

    with serving(without_end) as url:
        assert failure(new_client(url)) == line
    assert max(sent) < most


@pytest.mark.parametrize("value", [b"{},", b"[],", b'{"a":1},', b"[0.1],", b"0.1,0.2,"])
def test_millions_of_values_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch, value: bytes) -> None:
    monkeypatch.delattr("tap_interviewflow.records.json.decode")
    with pytest.raises(FatalAPIError, match=r"^the response holds more than 4,000,000 values; set a"):
        decode(b"[" + value * 2_000_000 + b"0]")


def test_a_thousand_nested_candidates_of_20_kb_are_read() -> None:
    answers = b",".join([b'{"question": "%b", "scores": [1, {"x": 2}]}' % (b"q" * 65)] * 190)
    body = b"[" + b",".join([b'{"id": "1", "answers": [' + answers + b"]}"] * 1000) + b"]"
    assert len(body) > 20 * 10**6
    assert len(decode(body).value) == 1000


def test_bodies_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    decoding = threading.Lock()

    def decode_slowly(_: bytes) -> Document:
        assert decoding.acquire(blocking=False)
        real_time.sleep(0.02)
        decoding.release()
        return Document(None)

    monkeypatch.setattr("tap_interviewflow.records.json.decode", decode_slowly)
    with ThreadPoolExecutor(4) as threads:
        assert len(list(threads.map(decode, [b" "] * 4))) == 4


def test_a_packed_body_is_unpacked_whole(new_client: NewClient) -> None:
    packed = gzip.compress(b'["' + b"x" * MIB + b'"]')
    with serving(lambda _: [ok(packed, "Content-Encoding: gzip")]) as url:
        assert new_client(url).fetch(page(1), WHERE).document == ["x" * MIB]


def test_a_packed_bomb_is_not_unpacked_to_its_end(new_client: NewClient) -> None:
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    first, again = (packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    assert failure_of(new_client, ok(first + again * 20_000, "Content-Encoding: gzip")) == TOO_LARGE
