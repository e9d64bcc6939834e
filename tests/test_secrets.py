"""No key, no candidate and no body is in any line, whatever fails and however much is logged."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow.api.client import Client
from tap_interviewflow.api.page import InterviewerError
from tap_interviewflow.fetcher import Fetcher
from tests.batch_files import batch_config
from tests.runs import catalog_of, run_here
from tests.sandbox import PATH, Sandbox
from tests.test_faults import CATALOG
from tests.wire import ok, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Read
    from tests.runs import Run

ONE = "interviewer-1"
KEY = "key-that-nobody-may-see"


@pytest.fixture(autouse=True)
def _everything_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGLEVEL", "DEBUG")


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


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize(
    ("fault", "page", "arguments"),
    [
        *((fault, 2, ()) for fault in ("400", "503", "cut-json", "success-false-list", "error-object")),
        *(("400", 1, ()), ("503", 1, ("--test",)), ("cut-json", 1, ("--discover",)), ("success-false-list", 1, ())),
    ],
)
def test_no_failure_tells_who_was_read_or_with_which_key(
    read: Read, fault: str, page: int, arguments: tuple[str, ...]
) -> None:
    with Sandbox({ONE: 30}, key=KEY, odd=True, faults={(ONE, page): f"always:{fault}"}) as api:
        run = read(api, *arguments, page_size=10, catalog=CATALOG if page > 1 else None)
        assert run.code == 1
        assert "DEBUG" in run.err
        assert PATH in run.err
        assert_tells_nothing(run, personal(api))


def test_no_line_tells_the_name_of_a_field_as_it_can_be_a_persons(read: Read) -> None:
    with Sandbox({ONE: [{"id": "a", "Ann Zebrowski": 5}]}) as api:
        run = read(api)
    assert run.code == 0
    assert "DEBUG" in run.err
    assert "Zebrowski" not in run.err


@pytest.mark.parametrize("writes_files", [False, True])
def test_no_stream_map_tells_what_it_makes_of_a_candidate(read: Read, tmp_path: Path, *, writes_files: bool) -> None:
    maps = {"candidates": {"__filter__": "name", "__alias__": "people", "n": "name + md5('literal-salt')"}}
    batches = {"batch_config": batch_config(tmp_path)} if writes_files else {}
    with Sandbox({ONE: 30}, key=KEY, odd=True) as api:
        run = read(api, stream_maps=maps, stream_map_config={"salt": "a-salt"}, **batches)
        assert run.code == 0
        assert "DEBUG" in run.err
        secrets = personal(api)
    assert not [secret for secret in {*secrets, "literal-salt", "a-salt"} if secret in run.err]


def test_a_good_run_tells_nothing_either(read: Read) -> None:
    catalog = catalog_of(replication_method="INCREMENTAL", replication_key="createdAt")
    with Sandbox({ONE: 30}, key=KEY, odd=True) as api:
        for settings in ({"start_date": "2020-01-01"}, {"catalog": catalog}):
            run = read(api, page_size=7, **settings)
            assert run.code == 0
            assert run.state["bookmarks"]
            assert_tells_nothing(run, personal(api))
        run = read(api, "--discover")
        assert run.code == 0
        assert not [secret for secret in personal(api) if secret in run.out + run.err]


def test_a_defect_of_the_tap_tells_where_it_is_and_nothing_else(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        message = f"{KEY} of Ada Lovelace, ada@example.com"
        raise KeyError(message)

    monkeypatch.setattr(Fetcher, "page", broken)
    with Sandbox({ONE: 5}, key=KEY) as api:
        run = read(api, catalog=CATALOG)
    assert run.lines("ERROR")[0].startswith("Unexpected KeyError in broken, line ")
    assert_tells_nothing(run, {KEY, "Ada"})


@pytest.mark.parametrize("is_look_up", [False, True])
@pytest.mark.parametrize("is_name", [False, True])
def test_a_program_that_embeds_the_tap_sees_no_key_in_a_failure(*, is_look_up: bool, is_name: bool) -> None:
    # Longer than what is shown of a reason, and with spaces, at which it is cut; or as the name of a member.
    key = "a_plain_name" if is_name else " ".join("it" * 40)
    document = {"success": False, key: 1} if is_name else {"success": False, "message": f"ada@example.com used {key}"}
    body = ok(json.dumps(document).encode())
    with serving(lambda _: [body]) as url:
        config: dict[str, Any] = {"api_url": url, "api_key": key, "interviewer_ids": [ONE]}
        config |= {"max_parallel_requests": 1, "request_timeout": 9}
        client = Client(config)
        fetcher = Fetcher(config, client)
        page = partial(fetcher.page, ONE, 1, 10, lambda: True, is_first_pass=True)
        with pytest.raises(InterviewerError) as caught:
            fetcher.look_up(ONE, "a") if is_look_up else page()
        client.close()
    assert str(caught.value).endswith("(top-level keys: success, …)" if is_name else "the API says “… used …”")


@pytest.mark.usefixtures("waits")
def test_a_server_that_echoes_the_key_everywhere_gets_it_into_no_line(read: Read) -> None:
    candidates = [{"id": str(number), KEY: 1, "name": "Ada"} for number in range(2)]
    pages = iter([
        ok(b"", f"X-{KEY}: {KEY}", f"Retry-After: {KEY}", status=f"503 {KEY}"),
        ok(b"", f"Location: {PATH}?{KEY}", status="307 Elsewhere"),
        f"HTTP/1.1 429 Busy\r\n{KEY}\r\nada@example.com: \r\n\r\n".encode(),
        ok(json.dumps({"data": candidates, KEY: KEY}).encode(), f"Set-Cookie: {KEY}"),
        ok(json.dumps({"message": f"not {KEY}, ada@example.com", KEY: KEY}).encode(), status="400 Bad Request"),
    ])  # fmt: skip
    last: list[bytes] = []

    def say(_: bytes) -> list[bytes]:
        last[:] = [next(pages, *last)]
        return last

    with serving(say) as url:
        run = read(Sandbox({ONE: 5}, key=KEY), api_url=url, catalog=CATALOG, max_parallel_requests=1, page_size=2)
    assert (run.code, len(run.ids)) == (1, 2)
    assert KEY not in run.err
    assert "ada@" not in run.err


def test_the_description_of_the_tap_holds_no_key() -> None:
    run = run_here("--about", "--format=json", environment={"TAP_INTERVIEWFLOW_API_KEY": KEY})
    assert run.code == 0
    assert "api_key" in run.out
    assert KEY not in run.out + run.err
