from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow import __version__
from tap_interviewflow.sandbox import Sandbox
from tests.runs import Run, config_for, run_here, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Read

KEY = "k3y-that-must-not-be-shown"
PREFIX = "TAP_INTERVIEWFLOW_"

# Each setting of the tap's own: its type, its default, and what else its schema says.
DECLARED: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "api_key": ("string", None, {"secret": True, "writeOnly": True, "minLength": 1}),
    "interviewer_ids": ("array", None, {"minItems": 1, "items": {"type": ["string"], "minLength": 1}}),
    "interview_ids": ("array", None, {"items": {"type": ["string"], "minLength": 1}}),
    "additional_fields": ("object", None, {"additionalProperties": {"type": ["string", "number", "boolean"]}}),
    "page_size": ("integer", 100, {"minimum": 1, "maximum": 1000}),
    "start_date": ("string", None, {"format": "date-time"}),
    "max_parallel_requests": ("integer", 4, {"minimum": 1, "maximum": 16}),
    "request_timeout": ("integer", 60, {"minimum": 1}),
    "records_jsonpath": ("string", None, {}),
    "api_url": ("string", "https://api.interviewflowai.com", {}),
    "user_agent": ("string", f"tap-interviewflow/{__version__}", {}),
    "emit_activate_version_messages": ("boolean", False, {}),
}


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": 3}, key=KEY) as sandbox:
        yield sandbox


def declared() -> dict[str, Any]:
    """The settings as the command line declares them."""
    settings: dict[str, Any] = json.loads(run_here("--about", "--format=json").out)["settings"]
    return settings


def in_environment(api: Sandbox, **settings: object) -> dict[str, str]:
    """The variables for a sandbox: text as it is, everything else as JSON."""
    return {
        PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value)
        for name, value in config_for(api, **settings).items()
    }


def assert_refused(run: Run, api: Sandbox, line: str) -> None:
    """One line says what is wrong, and nothing else has happened."""
    assert run.lines("ERROR") == [line]
    assert run.code != 0
    assert run.out == ""
    assert "Traceback" not in run.err
    assert KEY not in run.err
    assert api.requests == []


# What they are


@pytest.mark.parametrize("name", DECLARED)
def test_a_setting_is_declared_with_all_that_a_form_needs(name: str) -> None:
    kind, default, rest = DECLARED[name]
    declaration = declared()["properties"][name]
    assert kind in declaration["type"]
    assert declaration.get("default") == default
    assert declaration["title"]
    assert declaration["description"].endswith(".")
    assert declaration.items() >= rest.items()


def test_the_key_and_the_interviewers_are_required_and_nothing_else() -> None:
    assert declared()["required"] == ["api_key", "interviewer_ids"]


def test_the_key_is_the_only_secret() -> None:
    assert [name for name, declaration in declared()["properties"].items() if declaration.get("secret")] == ["api_key"]


def test_every_other_setting_is_one_of_the_sdk() -> None:
    others = declared()["properties"].keys() - DECLARED.keys()
    assert {name.partition("_")[0] for name in others} == {"stream", "faker", "flattening", "batch"}


# Bad ones

MUST = {
    "api_key": "it must be the text of a key, made in the dashboard under API Keys",
    "interviewer_ids": 'it must be a list of at least one Interviewer\'s ID, such as ["id-1", "id-2"]',
    "interview_ids": 'it must be a list of interview IDs, such as ["id-1"], none of them empty',
    "additional_fields": "it must be an object of strings, numbers or booleans, such as "
    '{"Manual Score": 50, "review": "yes"}: a number is a minimum, a string must match exactly',
    "page_size": "it must be a whole number from 1 to 1000",
    "start_date": "it must be a date or an RFC 3339 time, such as 2026-01-31 or 2026-01-31T00:00:00Z",
    "max_parallel_requests": "it must be a whole number from 1 to 16",
    "request_timeout": "it must be a whole number of seconds from 1 to 3600",
    "records_jsonpath": "it must be a JSONPath to the list of candidates, such as $.data.candidates",
    "api_url": "it must be an address with https, or with http on a loopback host such as 127.0.0.1",
    "user_agent": "it must be plain text in one line",
    "emit_activate_version_messages": "it must be true or false",
    "flattening_enabled": "it must be true or false",
    "flattening_max_depth": "it must be a whole number",
    "stream_maps": "it must be an object",
}

BAD: list[tuple[str, Any, str]] = [
    ("api_key", None, "is missing"),
    ("api_key", "", "is empty"),
    ("api_key", [KEY], "is a list"),
    ("api_key", 4711, "is a number"),
    ("api_key", f"{KEY}\n", "has characters that can't be sent in a header, or spaces around it"),
    ("api_key", f" {KEY}", "has characters that can't be sent in a header, or spaces around it"),
    ("api_key", f"{KEY}é", "has characters that can't be sent in a header, or spaces around it"),
    ("interviewer_ids", None, "is missing"),
    ("interviewer_ids", [], "is empty"),
    ("interviewer_ids", [""], "has an empty value in it"),
    ("interviewer_ids", ["interviewer-1", ""], "has an empty value in it"),
    ("interviewer_ids", "abc", "is text"),
    ("interviewer_ids", [1], "has a number in it"),
    ("interviewer_ids", {"interviewer-1": True}, "is an object"),
    ("interview_ids", [], "is empty"),
    ("interview_ids", [""], "has an empty value in it"),
    ("interview_ids", "abc", "is text"),
    ("additional_fields", {"Manual Score": [50]}, 'has a list in it, for "Manual Score"'),
    ("additional_fields", {"review": {"is": "yes"}}, 'has an object in it, for "review"'),
    ("additional_fields", {"review": None}, 'has null in it, for "review"'),
    ("additional_fields", [{"review": "yes"}], "is a list"),
    ("additional_fields", "review", "is text"),
    ("page_size", 0, "is 0"),
    ("page_size", 1001, "is 1001"),
    ("page_size", "many", 'is "many"'),
    ("page_size", 2.5, "is 2.5"),
    ("page_size", 100.0, "is 100.0"),
    ("page_size", True, "is true"),
    ("page_size", [100], "is a list"),
    ("start_date", "yesterday", 'is "yesterday"'),
    ("start_date", 5, "is 5"),
    ("start_date", "2026-02-30", 'is "2026-02-30"'),
    ("max_parallel_requests", 0, "is 0"),
    ("max_parallel_requests", 17, "is 17"),
    ("request_timeout", 0, "is 0"),
    ("request_timeout", 3601, "is 3601"),
    ("records_jsonpath", "$[", 'is "$[", which is no JSONPath (JsonPathParserError)'),
    ("records_jsonpath", "", "is empty"),
    ("api_url", "", "is no address"),
    ("api_url", "nonsense", "is no address"),
    ("api_url", "https://", "is no address"),
    ("api_url", "https://api.example.com:99999", "is no address"),
    ("api_url", "https://api.example.com:https", "is no address"),
    ("api_url", "https://[::1", "is no address"),
    ("api_url", "https://api.exa\nmple.com", "is no address"),
    ("api_url", "https://api.example.com ", "is no address"),
    ("api_url", "ftp://127.0.0.1", "begins with ftp:// for the host 127.0.0.1"),
    ("api_url", "http://api.example.com", "begins with http:// for the host api.example.com"),
    ("api_url", "http://localhost.example.com", "begins with http:// for the host localhost.example.com"),
    ("api_url", "http://10.0.0.1", "begins with http:// for the host 10.0.0.1"),
    ("api_url", f"https://user:{KEY}@api.example.com", "has more in it than the address of a host"),
    ("api_url", f"https://api.example.com/?key={KEY}", "has more in it than the address of a host"),
    ("user_agent", "tap\nX-Injected: 1", "has characters that can't be sent in a header, or spaces around it"),
    ("user_agent", "", "is empty"),
    ("user_agent", 5, "is a number"),
    ("emit_activate_version_messages", "maybe", "is text"),
    ("flattening_enabled", "maybe", "is text"),
    ("flattening_max_depth", "deep", "is text"),
    ("stream_maps", [1], "is a list"),
]


@pytest.mark.parametrize(("name", "value", "wrong"), BAD)
def test_a_bad_setting_is_refused_in_one_line(api: Sandbox, read: Read, name: str, value: Any, wrong: str) -> None:
    assert_refused(read(api, **{name: value}), api, f"{name} {wrong}; {MUST[name]}")


# What stands for text is text in the environment, whatever it looks like.
@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [bad for bad in BAD if isinstance(bad[1], str | None) or bad[0] not in {"api_key", "start_date", "user_agent"}],
)
def test_a_bad_setting_in_the_environment_is_refused_in_the_same_line(
    api: Sandbox, name: str, value: Any, wrong: str
) -> None:
    run = run_here("--config", "ENV", environment=in_environment(api, **{name: value}))
    assert_refused(run, api, f"{name} {wrong}; {MUST[name]}")


def test_all_bad_settings_are_named_at_once(api: Sandbox, read: Read) -> None:
    run = read(api, page_size=0, api_key=None, start_date="yesterday")
    line = "; ".join(
        f"{name} {wrong}; {MUST[name]}"
        for name, wrong in [("page_size", "is 0"), ("api_key", "is missing"), ("start_date", 'is "yesterday"')]
    )
    assert_refused(run, api, line)


def test_a_long_bad_value_is_shown_in_part(api: Sandbox, read: Read) -> None:
    (line,) = read(api, start_date="x" * 10_000).lines("ERROR")
    assert len(line) < 200


@pytest.mark.parametrize("mode", ["--discover", "--test", "--test=schema"])
def test_bad_settings_are_refused_in_every_mode(api: Sandbox, read: Read, mode: str) -> None:
    run = read(api, mode, page_size=0)
    assert run.code != 0
    assert run.out == ""
    assert len(run.lines("ERROR")) == 1
    assert run.lines("ERROR")[0].endswith(f"page_size is 0; {MUST['page_size']}")
    assert api.requests == []


# Good ones


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_size", 1),
        ("page_size", 1000),
        ("max_parallel_requests", 16),
        ("request_timeout", 1),
        ("start_date", "2026-01-31"),
        ("start_date", "2026-01-31T00:00:00+02:00"),
        ("records_jsonpath", "$.data.candidates[*]"),
        ("user_agent", "Mozilla/5.0 (a test)"),
        ("interview_ids", None),
        ("additional_fields", None),
    ],
)
def test_a_good_setting_is_taken(api: Sandbox, read: Read, name: str, value: Any) -> None:
    run = read(api, **{name: value})
    assert run.code == 0, run.err
    assert len(run.ids) == 3


def test_http_is_taken_for_each_name_of_this_machine(api: Sandbox, read: Read) -> None:
    run = read(api, api_url=f"http://localhost:{api.port}/")
    assert run.code == 0, run.err


def test_null_means_not_given(api: Sandbox, tmp_path: Path) -> None:
    nothing = dict.fromkeys(DECLARED)
    run = run_here("--config", write(tmp_path / "config.json", nothing | config_for(api)))
    assert run.code == 0, run.err
    assert api.requests[0]["limit"] == 100
    assert api.headers[0]["user-agent"] == f"tap-interviewflow/{__version__}"


def test_what_is_sent_follows_the_settings(api: Sandbox, read: Read) -> None:
    fields = {"Manual Score": 50, "review": "50", "isSynced": True}
    read(api, page_size=7, additional_fields=fields, user_agent="me")
    sent = api.requests[-1]
    assert sent["limit"] == 7
    assert sent["additionalFields"] == fields
    assert [type(value) for value in sent["additionalFields"].values()] == [int, str, bool]
    assert api.headers[-1]["user-agent"] == "me"
    assert api.headers[-1]["x-api-key"] == KEY


@pytest.mark.parametrize(
    ("name", "hint"),
    [("pagesize", "; did you mean page_size?"), ("apiKey", "; did you mean api_key?"), ("colour", "")],
)
def test_an_unknown_setting_is_ignored_with_a_warning(api: Sandbox, read: Read, name: str, hint: str) -> None:
    run = read(api, **{name: KEY})
    assert run.code == 0
    assert run.lines("WARNING") == [f"{name} is no setting of this tap and is ignored{hint}"]
    assert KEY not in run.err


# Where they come from


def test_the_environment_holds_text_as_it_is_and_everything_else_as_json(api: Sandbox) -> None:
    filters = '{"Manual Score": 50.10, "review": "50"}'
    given = {"page_size": 2, "additional_fields": filters, "user_agent": '"quoted"', "flattening_enabled": "no"}
    run = run_here("--config", "ENV", environment=in_environment(api, **given))
    assert run.code == 0, run.err
    assert api.requests[-1] == {
        "interviewerId": "interviewer-1",
        "page": 1,
        "limit": 2,
        "additionalFields": {"Manual Score": 50.1, "review": "50"},
    }
    assert api.headers[-1]["user-agent"] == '"quoted"'


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "on"])
def test_a_switch_in_the_environment_takes_the_usual_words(api: Sandbox, word: str) -> None:
    environment = in_environment(api, emit_activate_version_messages=word)
    assert run_here("--config", "ENV", environment=environment).of("ACTIVATE_VERSION")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_dotenv_file_in_the_working_directory_counts_as_environment(
    api: Sandbox, tmp_path: Path, encoding: str
) -> None:
    lines = [f"{name}='{value}'" for name, value in in_environment(api, page_size=2).items()]
    (tmp_path / ".env").write_text("\n".join(lines), encoding=encoding)
    run = run_here("--config", "ENV")
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 2


def test_a_dotenv_file_that_is_no_text_is_refused(api: Sandbox, tmp_path: Path) -> None:
    # What ``echo … > .env`` makes in an older PowerShell.
    (tmp_path / ".env").write_text(f"{PREFIX}API_KEY={KEY}", encoding="utf-16")
    run = run_here("--config", "ENV", environment=in_environment(api))
    assert_refused(run, api, f"{tmp_path / '.env'} is no text in UTF-8")


def test_a_folder_named_like_the_dotenv_file_does_no_harm(api: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert run_here("--config", "ENV", environment=in_environment(api)).code == 0


def test_a_variable_outdoes_the_dotenv_file(api: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{PREFIX}PAGE_SIZE=2", encoding="utf-8")
    run_here("--config", "ENV", environment=in_environment(api, page_size=3))
    assert api.requests[-1]["limit"] == 3


def test_the_environment_counts_only_when_it_is_asked_for(
    api: Sandbox, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}API_KEY", KEY)
    assert_refused(read(api, api_key=None), api, f"api_key is missing; {MUST['api_key']}")


def test_several_files_and_the_environment_make_one_configuration(api: Sandbox, tmp_path: Path) -> None:
    first = write(tmp_path / "first.json", config_for(api, page_size=2, user_agent="first"))
    second = write(tmp_path / "second.json", {"page_size": 3})
    run = run_here("--config", first, "--config", second)
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 3
    assert api.headers[-1]["user-agent"] == "first"
    run = run_here("--config", first, "--config", "ENV", environment={f"{PREFIX}PAGE_SIZE": "4"})
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 4
