"""Answers that are made, or broken, to harm: nothing crashes, nothing grows without a bound, no key goes astray."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

from tap_interviewflow import client
from tap_interviewflow.client import InterviewFlowStream
from tap_interviewflow.retries import Clock, Retries
from tap_interviewflow.sandbox import PATH, Sandbox
from tests.runs import Run, config_for, write
from tests.test_faults import CATALOG
from tests.wire import ok, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Read

ONE = "interviewer-1"


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "Retries", lambda: Retries(Clock(sleep=lambda _: None, now=_ticking())))
    monkeypatch.setattr(InterviewFlowStream, "timeout", 0.5)


def _ticking() -> Callable[[], float]:
    """Give a clock that is an hour later each time somebody looks."""
    hours = iter(range(10**9))
    return lambda: next(hours) * 3600.0


def page(*candidates: Any, **beside: Any) -> bytes:
    return json.dumps({"data": {"candidates": list(candidates), **beside}}).encode()


def failure(run: Run) -> str:
    """The one line that a failed run ends with."""
    assert run.code == 1
    assert "Traceback" not in run.err
    (line,) = run.lines("ERROR")
    return line


def peak_memory(api: Sandbox, tmp_path: Path, **settings: Any) -> tuple[Run, int]:
    """Read in a process of its own, and give the most memory it had, in bytes."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the peak of a process apart from that of its parent")
    files = ["--config", write(tmp_path / "config.json", config_for(api, **settings))]
    files += ["--catalog", write(tmp_path / "catalog.json", CATALOG)]
    script = (
        "import sys\nfrom tap_interviewflow.tap import TapInterviewFlow\n"
        "try:\n    TapInterviewFlow.cli.main(sys.argv[1:])\n"
        "finally:\n    print(*[line for line in open('/proc/self/status') if 'VmHWM' in line], file=sys.stderr)"
    )
    run = run_script(script, *files)
    return run, int(run.err.rpartition("VmHWM:")[2].split()[0]) * 1024


def run_script(script: str, *arguments: str) -> Run:
    ended = subprocess.run([sys.executable, "-c", script, *arguments], check=False, capture_output=True, timeout=100)
    return Run(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_does_not_follow_a_redirect_to_another_host(read: Read, status: int) -> None:
    with Sandbox({ONE: 5}) as other:
        location = f"Location: {other.url}{PATH}"
        answer = ok(b"", location).replace(b"200 OK", f"{status} Moved".encode())
        with serving(lambda _: [answer]) as url:
            line = failure(read(other, api_url=url))
        assert not other.requests
    assert f"the API redirects to {other.url} ({status}), which is refused" in line


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
    ],
)
def test_a_redirect_to_another_origin_is_refused_however_it_is_spelt(read: Read, location: str) -> None:
    with Sandbox({ONE: 5}) as api:
        api.faults = {(ONE, 1): f"always:redirect:{location.format(port=api.port)}"}
        line = failure(read(api, catalog=CATALOG))
        assert "which is refused" in line
        assert "\x1b" not in line
        assert len(api.requests) == 1


@pytest.mark.parametrize("location", ["http://127.0.0.2:{port}\\@127.0.0.1:{port}" + PATH, "/\\evil" + PATH])
def test_a_redirect_that_can_be_read_in_two_ways_stays_at_the_origin(read: Read, location: str) -> None:
    with Sandbox({ONE: 5}) as api:
        api.faults = {(ONE, 1): [f"redirect:{location.format(port=api.port)}"]}
        run = read(api, catalog=CATALOG)
        assert "Traceback" not in run.err
        assert len(api.requests) >= 1


def test_a_redirect_to_itself_ends(read: Read) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): f"always:redirect:{PATH}"}) as api:
        assert failure(read(api, catalog=CATALOG)).endswith("the API redirects in circles")
        assert len(api.requests) == 4


# Size


def test_a_body_without_an_end_is_refused_and_names_page_size(tmp_path: Path) -> None:
    with Sandbox({ONE: 5}, faults={(ONE, 1): "always:huge:200000000"}) as api:
        run, peak = peak_memory(api, tmp_path)
    assert failure(run).endswith("the answer is larger than 64 MiB; set a smaller page_size")
    assert peak < 300 * 2**20


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(tmp_path: Path) -> None:
    bomb = ok(gzip.compress(b" " * 200 * 2**20), "Content-Encoding: gzip")
    with serving(lambda _: [bomb]) as url, Sandbox({ONE: 5}) as api:
        run, peak = peak_memory(api, tmp_path, api_url=url)
    assert "larger than 64 MiB" in failure(run)
    assert peak < 300 * 2**20


def test_the_body_of_an_error_is_not_read_without_an_end(read: Read) -> None:
    def answer(_: bytes) -> Iterator[bytes]:
        yield b'HTTP/1.1 400 Bad Request\r\n\r\n{"message": "'
        while True:
            yield b"x" * 2**16

    with serving(answer) as url, Sandbox({ONE: 5}) as api:
        line = failure(read(api, catalog=CATALOG, api_url=url))
    assert line == f"Interviewer {ONE}, page 1: 400 Bad Request"


def test_a_message_of_the_api_is_shortened_and_shows_no_address_and_no_key(read: Read) -> None:
    said = {"message": f"bad\r\n\x1b[31mfilter of ada@example.com with sandbox-key {'x' * 1000}"}
    refused = ok(json.dumps(said).encode()).replace(b"200 OK", b"400 Bad Request")
    with serving(lambda _: [refused]) as url, Sandbox({ONE: 5}) as api:
        line = failure(read(api, catalog=CATALOG, api_url=url))
    assert line.startswith(f"Interviewer {ONE}, page 1: 400 Bad Request: the API says “bad [31mfilter of … with … xxx")
    assert len(line) < 300


# Time


DRIPS: dict[str, bytes] = {
    "status": b"HTTP/1.1 200 OK" + b" " * 10**5,
    "headers": b"HTTP/1.1 200 OK\r\n" + b"X-Padding: x\r\n" * 50 + b"X-Padding: " + b"x" * 10**4,
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b" " * 10**5,
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 10**4,
    "extension": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 10**4,
    "error": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 99999\r\n\r\n" + b" " * 10**5,
    "wait": b"HTTP/1.1 100 Continue\r\n\r\n" * 10**4,
}


@pytest.mark.parametrize("part", DRIPS)
def test_no_part_of_an_answer_may_come_drop_by_drop(read: Read, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(client, "Retries", _OneTry)

    def answer(_: bytes) -> Iterator[bytes]:
        for place in range(len(DRIPS[part])):
            yield DRIPS[part][place : place + 1]
            if place > 40:
                time.sleep(0.05)

    started = time.monotonic()
    with serving(answer) as url, Sandbox({ONE: 5}) as api:
        line = failure(read(api, catalog=CATALOG, api_url=url, max_parallel_requests=1))
    assert "(request_timeout)" in line or line.endswith("400 Bad Request")
    assert time.monotonic() - started < 5


class _OneTry:
    def run(self, attempt: Callable[[], Any], what: str, is_wanted: Callable[[], bool]) -> Any:
        assert what
        assert is_wanted()
        try:
            return attempt()
        except RetriableAPIError as error:
            raise FatalAPIError(str(error)) from None


# Not HTTP


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x16\x03\x01\x02\x00",
        b"220 mail.example.com ESMTP\r\n",
        b"HTTP/1.1 2000 Good\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nada@example.com\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 10**5 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nada@example.com\r\nContent-Length: 1\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\n\x1f",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_tried_again_and_quoted_nowhere(read: Read, said: bytes) -> None:
    with serving(lambda _: [said]) as url, Sandbox({ONE: 5}) as api:
        run = read(api, catalog=CATALOG, api_url=url)
    assert failure(run).endswith("gave up after 7 tries")
    assert "example.com" not in run.err


def test_a_body_in_another_encoding_is_no_silent_end(read: Read) -> None:
    body = '{"data": [{"id": "1", "name": "Zoë"}]}'.encode("latin-1")
    with serving(lambda _: [ok(body, "Content-Type: application/json; charset=latin-1")]) as url:
        run = read(Sandbox({ONE: 5}), catalog=CATALOG, api_url=url)
    assert "the body is not JSON" in failure(run)


# JSON


def nested(depth: int) -> bytes:
    return b'{"data": [{"id": "1", "metadata": {"a": ' + b"[" * depth + b"]" * depth + b"}}]}"


@pytest.mark.parametrize("arguments", [(), ("--discover",)])
@pytest.mark.parametrize("depth", [950, 970, 980, 990, 100_000])
def test_a_value_nested_without_an_end_ends_the_run_with_a_line(
    read: Read, arguments: tuple[str, ...], depth: int
) -> None:
    with Sandbox({ONE: nested(depth)}) as api:
        run = read(api, *arguments)
    assert run.code == 0 or "nested too deeply" in failure(run)
    if depth > 1000:
        assert run.code == 1


def test_a_look_up_nested_without_an_end_ends_the_run_with_a_line(read: Read) -> None:
    with serving(lambda _: [ok(nested(100_000))]) as url:
        assert "nested too deeply" in failure(
            read(Sandbox({ONE: 5}), catalog=CATALOG, api_url=url, interview_ids=["1"])
        )


@pytest.mark.parametrize("count", [10**5, pytest.param(10**6, marks=pytest.mark.slow)])
def test_a_million_names_in_one_object_are_kept_with_a_bounded_number_of_warnings(read: Read, count: int) -> None:
    many = {f"field{number}": number for number in range(count)}
    with Sandbox({ONE: page({"id": "1", **many})}) as api:
        run = read(api, catalog=CATALOG)
    assert run.code == 0
    assert run.records[0]["_rescued_data"] == many
    assert len(run.err.splitlines()) < 100


def test_discovery_makes_a_bounded_number_of_columns(read: Read) -> None:
    many = {f"field{number}": number for number in range(10**4)}
    with Sandbox({ONE: page({"id": "1", **many})}) as api:
        run = read(api)
    assert run.code == 0
    (record,) = run.records
    assert len(run.of("SCHEMA")[0]["schema"]["properties"]) < 2000
    assert record["_rescued_data"].items() <= many.items()
    assert len(record) + len(record["_rescued_data"]) > 10**4
    assert len(run.err.splitlines()) < 100


@pytest.mark.parametrize("digits", [20, 5_000, 100_000])
@pytest.mark.parametrize("form", ["{}", "-{}", "0.{}", "{}.5", "1e{}"])
def test_a_number_of_any_length_keeps_its_digits(read: Read, form: str, digits: int) -> None:
    number = form.format("7" * digits)
    body = f'{{"data": [{{"id": "1", "metadata": {{"n": {number}}}, "n": {number}}}]}}'.encode()
    with Sandbox({ONE: body}) as api:
        for arguments in ({"catalog": CATALOG}, {}):
            run = read(api, **arguments)
            assert run.code == 0
            assert number in run.out


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number_stays_text(read: Read, token: str) -> None:
    with Sandbox({ONE: f'{{"data": [{{"id": "1", "metadata": {{"n": {token}}}, "n": {token}}}]}}'.encode()}) as api:
        run = read(api, catalog=CATALOG)
    assert run.records[0]["metadata"] == {"n": token}
    assert run.records[0]["_rescued_data"] == {"n": token}


NAMES = (
    *("__proto__", "constructor", "_sdc_deleted_at", "_SDC_BATCHED_AT", "type", "record", "stream", "", " ", "a.b"),
    *(
        "a" * 1000,
        "'; DROP TABLE candidates; --",
        "__class__",
        "column1",
        "rescued",
        "é\u202e",
        "_rescued_data",
        "$ref",
    ),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_of_any_name_arrives_and_steers_nothing(read: Read, name: str) -> None:
    candidates = [{"id": str(number), name: {"value": number}} for number in range(3)]
    with Sandbox({ONE: candidates}) as api:
        run = read(api, page_size=2)
    assert run.code == 0
    assert {message["type"] for message in run.messages} == {"SCHEMA", "RECORD", "STATE"}
    for number, record in enumerate(run.records):
        assert not {name for name in record if name.lower().startswith("_sdc_")}
        found = record.get(name) if name in record and name != "_rescued_data" else record["_rescued_data"][name]
        assert found == {"value": number}


def test_an_interviewer_of_the_candidates_own_does_not_become_its_key(read: Read) -> None:
    candidates = [{"id": "1", "interviewerId": "another"}, {"id": "2", "interviewerId": ONE}, {"id": "3"}]
    with Sandbox({ONE: candidates}) as api:
        run = read(api, catalog=CATALOG, page_size=1)
    assert [record["interviewerId"] for record in run.records] == [ONE] * 3
    assert run.records[0]["_rescued_data"] == {"interviewerId": "another"}


@pytest.mark.parametrize("stranger", [1, "ada@example.com", None, True, ["id"], 1.5])
def test_a_candidate_that_is_no_object_ends_the_run(read: Read, stranger: object) -> None:
    with Sandbox({ONE: 5}) as api:
        api.faults = {(ONE, 2): "body:" + page({"id": "1"}, stranger).decode()}
        run = read(api, catalog=CATALOG, page_size=2)
    assert "the list of candidates holds a value of type " in failure(run)
    assert "example.com" not in run.err
    assert len(run.ids) == 2


@pytest.mark.parametrize("key", ['""', "null", "{}", "[]", "true", "1.5", "NaN", "7" * 5_000])
def test_a_candidate_without_a_usable_id_ends_the_run(read: Read, key: str) -> None:
    with Sandbox({ONE: f'{{"data": [{{"id": {key}, "email": "ada@example.com"}}]}}'.encode()}) as api:
        run = read(api, catalog=CATALOG)
    assert "can't be keyed" in failure(run)
    assert "example.com" not in run.err
