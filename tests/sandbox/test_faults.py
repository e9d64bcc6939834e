from __future__ import annotations

import gzip
import http.client
import json
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import Sandbox
from tests.sandbox.client import ONE, TWO, ask, assert_silent, plain

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_a_fault_on_an_ordinal_comes_once() -> None:
    with Sandbox({ONE: 1}, faults={2: "500"}) as api:
        assert [ask(api).status for _ in range(3)] == [200, 500, 200]


def test_faults_on_a_page_come_one_a_visit_and_touch_no_other_page() -> None:
    with Sandbox({ONE: 30, TWO: 30}, faults={(ONE, 2): ["500", "ok", "503"]}) as api:
        assert [ask(api, page=2).status for _ in range(4)] == [500, 200, 503, 200]
        assert [ask(api).status, ask(api, TWO, page=2).status] == [200, 200]


def test_a_fault_can_come_every_time() -> None:
    with Sandbox({ONE: 1}, faults={(ONE, 1): ["500", "always:502"]}) as api:
        assert [ask(api).status for _ in range(4)] == [500, 502, 502, 502]


def test_a_fault_can_be_tied_to_a_look_up() -> None:
    with Sandbox({ONE: [plain(1), plain(2)]}, faults={(ONE, "id-2"): "500"}) as api:
        assert [ask(api, interviewId=f"id-{number}").status for number in (1, 2, 2)] == [200, 500, 200]


@pytest.mark.parametrize("name", ["500 ", "teapot", "200", "always:"])
def test_a_fault_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        Sandbox({ONE: 1}, faults={1: ["500", name]})


@pytest.mark.parametrize("name", ["huge", "huge:1.5", "sleep", "always:sleep:soon"])
def test_a_fault_that_lacks_its_number_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="needs a number"):
        Sandbox({ONE: 1}, faults={1: name})


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "429", "500", "502", "503", "504"])
def test_a_status_is_answered_with_a_message(status: str) -> None:
    with Sandbox({ONE: 1}, faults={1: status}) as api:
        reply = ask(api)
        assert reply.status == int(status)
        assert reply.json["message"]


@pytest.mark.parametrize(
    ("fault", "content"),
    [("empty-body", b""), ("null", b"null"), ("body:[1e999]", b"[1e999]"), ("body:a:b", b"a:b")],
)
def test_a_body_can_be_another(fault: str, content: bytes) -> None:
    with Sandbox({ONE: 1}, faults={1: fault}) as api:
        assert ask(api)[::2] == (200, content)


def test_a_status_can_come_with_a_message_of_its_own() -> None:
    with Sandbox({ONE: 1}, faults={1: "400:additionalFields: none"}) as api:
        reply = ask(api)
        assert (reply.status, reply.json["message"]) == (400, "additionalFields: none")


def test_an_answer_can_have_no_content() -> None:
    with Sandbox({ONE: 1}, faults={1: "204"}) as api:
        assert ask(api)[::2] == (204, b"")


def test_a_page_can_come_without_its_candidates_once_in_the_right_envelope_with_the_right_words() -> None:
    with Sandbox({ONE: 5}, envelope="sequelize", faults={(ONE, 2): "empty"}) as api:
        assert ask(api, page=2, limit=2).json == {"rows": [], "count": 5}
        assert ask(api, page=2, limit=2).json == {"rows": api.candidates(ONE)[2:4], "count": 5}


def test_no_page_of_a_bad_request_is_empty() -> None:
    with Sandbox({ONE: 5}, faults={1: "empty"}) as api:
        assert ask(api, "nobody").status == 404


def test_faults_can_be_chosen_by_what_is_asked_and_how_often() -> None:
    def chosen(body: Mapping[str, object], visit: int) -> str | None:
        return "503" if body.get("page") == visit else None

    with Sandbox({ONE: 5, TWO: 5}, faults=chosen) as api:
        assert [ask(api, page=2).status for _ in range(3)] == [200, 503, 200]
        assert [ask(api, TWO, page=page).status for page in (1, 2)] == [503, 200]


def test_html_can_come_in_place_of_json() -> None:
    with Sandbox({ONE: 1}, faults={1: "refuse-html"}) as api:
        assert ask(api).headers["content-type"] == "text/html"


def test_json_can_be_cut_short() -> None:
    with Sandbox({ONE: 1}, faults={1: "cut-json"}) as api:
        cut, whole = ask(api).content, ask(api).content
        assert whole.startswith(cut)
        assert 0 < len(cut) < len(whole)


def test_a_failure_can_come_as_http_200() -> None:
    with Sandbox({ONE: 2}, faults={1: "success-false", 2: "success-false-list", 3: "error-object"}) as api:
        bare, listed, error = (ask(api) for _ in range(3))
        assert {bare.status, listed.status, error.status} == {200}
        assert bare.json["success"] is False
        assert "data" not in bare.json
        assert listed.json["success"] is False
        assert listed.candidates == api.candidates(ONE)
        assert error.json["error"].keys() >= {"code", "message"}


@pytest.mark.parametrize("envelope", ["body", "payload.rows"])
def test_a_failure_with_a_list_keeps_the_list(envelope: Any) -> None:
    with Sandbox({ONE: 1}, envelope=envelope, faults={1: "success-false-list"}) as api:
        assert api.candidates(ONE)[0]["email"].encode() in ask(api).content


def test_numbers_can_stand_where_candidates_should() -> None:
    with Sandbox({ONE: 1}, faults={1: "non-objects"}) as api:
        assert ask(api).json["data"]["candidates"] == [1, 2, 3]


def test_an_answer_can_be_zipped_well_or_badly() -> None:
    with Sandbox({ONE: 1}, faults={1: "gzip", 2: "bad-gzip"}) as api:
        good, bad = ask(api), ask(api)
        assert good.headers["content-encoding"] == bad.headers["content-encoding"] == "gzip"
        assert json.loads(gzip.decompress(good.content))["data"]["candidates"] == api.candidates(ONE)
        with pytest.raises(Exception, match="invalid"):
            gzip.decompress(bad.content)


def test_an_answer_can_come_in_chunks() -> None:
    with Sandbox({ONE: 2}, faults={1: "chunked"}) as api:
        reply = ask(api)
        assert reply.headers["transfer-encoding"] == "chunked"
        assert reply.candidates == api.candidates(ONE)


def test_a_redirect_leads_away() -> None:
    with Sandbox({ONE: 1}, faults={1: "redirect:http://127.0.0.1:1/elsewhere"}) as api:
        reply = ask(api)
        assert (reply.status, reply.headers["location"]) == (307, "http://127.0.0.1:1/elsewhere")


def test_a_huge_answer_is_fine_json_of_that_many_bytes() -> None:
    with Sandbox({ONE: 1}, faults={1: "huge:200000"}) as api:
        reply = ask(api)
        assert len(reply.content) == 200_000
        assert reply.candidates == []


@pytest.mark.parametrize("fault", ["reset", "reset-body"])
def test_a_connection_can_be_reset(fault: str) -> None:
    with Sandbox({ONE: 1}, faults={1: fault}) as api:
        with pytest.raises(ConnectionResetError):
            ask(api)
        assert ask(api).status == 200


def test_a_body_can_be_shorter_than_promised() -> None:
    with Sandbox({ONE: 1}, faults={1: "short-body"}) as api:
        with pytest.raises(http.client.IncompleteRead):
            ask(api)
        assert ask(api).status == 200


def test_an_answer_can_drip() -> None:
    with Sandbox({ONE: []}, faults={1: "drip"}, drip_seconds=0.0001) as api:
        assert ask(api).candidates == []


def test_an_answer_can_sleep() -> None:
    with Sandbox({ONE: 1}, faults={1: "sleep:0.01"}) as api:
        assert ask(api).status == 200


def test_an_answer_can_hang() -> None:
    with Sandbox({ONE: 1}, faults={1: "hang"}) as api:
        assert_silent(api)


@pytest.mark.parametrize(("form", "header"), [("seconds", "7"), ("soon", "soon"), ("-1", "-1"), (None, None)])
def test_retry_after_has_the_form_that_was_asked_for(form: str | None, header: str | None) -> None:
    with Sandbox({ONE: 1}, faults={1: "429"}, retry_after=form, retry_after_seconds=7) as api:
        assert ask(api).headers.get("retry-after") == header


def test_retry_after_can_be_a_date() -> None:
    with Sandbox({ONE: 1}, faults={1: "429"}, retry_after="date", retry_after_seconds=7200) as api:
        until = parsedate_to_datetime(ask(api).headers["retry-after"])
        assert 3600 < until.timestamp() - time.time() <= 7200
