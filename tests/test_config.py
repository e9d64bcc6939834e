from __future__ import annotations

import copy
import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_interviewflow import __version__, config, environment
from tap_interviewflow.tap import TapInterviewFlow
from tests.runs import Run, config_for, run_here, write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.conftest import Read

KEY = "k3y-that-must-not-be-shown"
PREFIX = "TAP_INTERVIEWFLOW_"
GOOD = {"api_key": KEY, "interviewer_ids": ["interviewer-1"]}
SCHEMA = copy.deepcopy(config.SETTINGS)
TapInterviewFlow.append_builtin_config(SCHEMA)

# Each setting of the tap's own: its type, its default, and what else its schema says.
DECLARED: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "api_key": ("string", None, {"secret": True, "writeOnly": True, "minLength": 1}),
    "interviewer_ids": ("array", None, {"minItems": 1, "items": {"type": ["string"], "minLength": 1}}),
    "interview_ids": ("array", None, {"items": {"type": ["string"], "minLength": 1}}),
    "additional_fields": ("object", None, {"additionalProperties": {"type": ["string", "number", "boolean"]}}),
    "custom_field_columns": ("boolean", False, {}),
    "page_size": ("integer", 100, {"minimum": 1, "maximum": 1000}),
    "start_date": ("string", None, {"format": "date-time"}),
    "allow_incomplete": ("boolean", False, {}),
    "max_parallel_requests": ("integer", 4, {"minimum": 1, "maximum": 16}),
    "request_timeout": ("integer", 60, {"minimum": 1}),
    "records_jsonpath": ("string", None, {}),
    "api_url": ("string", "https://api.interviewflowai.com", {}),
    "user_agent": ("string", None, {}),
    "emit_activate_version_messages": ("boolean", False, {}),
}


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": 3}, key=KEY) as sandbox:
        yield sandbox


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of this test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def errors(settings: Mapping[str, Any]) -> list[str]:
    return config.errors({name: value for name, value in settings.items() if value is not None}, SCHEMA)


def in_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The variables for some settings: text as it is, everything else as JSON."""
    return {
        PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value, default=float)
        for name, value in settings.items()
        if value is not None
    }


def from_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    return environment.settings_from(variables, SCHEMA, PREFIX)


def assert_refused(run: Run, api: Sandbox, line: str) -> None:
    """One line says what is wrong, and nothing else has happened."""
    # The SDK puts a few words before it in discovery.
    assert [text.removeprefix("Config validation error: ") for text in run.lines("ERROR")] == [line]
    assert run.code == 1
    assert run.out == ""
    assert "Traceback" not in run.err
    assert KEY not in run.err
    assert api.requests == []


# What they are


@pytest.mark.parametrize("name", DECLARED)
def test_a_setting_is_declared_with_all_that_a_form_needs(name: str) -> None:
    kind, default, rest = DECLARED[name]
    declaration = SCHEMA["properties"][name]
    assert kind in declaration["type"]
    assert declaration.get("default") == default
    assert declaration["title"]
    assert declaration["description"].endswith(".")
    assert declaration.items() >= rest.items()


def test_what_about_says_is_what_is_checked() -> None:
    about = json.loads(run_here("--about", "--format=json").out)["settings"]
    assert about == SCHEMA
    assert __version__ not in json.dumps(about)


def test_the_key_and_the_interviewers_are_required_and_nothing_else() -> None:
    assert SCHEMA["required"] == ["api_key", "interviewer_ids"]


def test_the_key_is_the_only_secret() -> None:
    assert [name for name, declaration in SCHEMA["properties"].items() if declaration.get("secret")] == ["api_key"]


def test_every_other_setting_is_one_of_the_sdk() -> None:
    others = SCHEMA["properties"].keys() - DECLARED.keys()
    assert {name.partition("_")[0] for name in others} == {"stream", "faker", "flattening", "batch"}


# Bad ones

MUST = {
    "api_key": "it must be the text of a key, made in the dashboard under API Keys",
    "interviewer_ids": 'it must be a list of at least one Interviewer\'s ID, such as ["id-1", "id-2"]',
    "interview_ids": 'it must be a list of at least one interview ID, such as ["id-1"]',
    "additional_fields": "it must be an object of strings, numbers or booleans, such as "
    '{"Manual Score": 50, "review": "yes"}: a number is a minimum, a string must match exactly',
    "custom_field_columns": "it must be true or false",
    "page_size": "it must be a whole number from 1 to 1000",
    "start_date": "it must be a date or an RFC 3339 time, such as 2026-01-31 or 2026-01-31T00:00:00Z",
    "allow_incomplete": "it must be true or false",
    "max_parallel_requests": "it must be a whole number from 1 to 16",
    "request_timeout": "it must be a whole number of seconds from 1 to 3600",
    "records_jsonpath": "it must be a JSONPath to the list of candidates, such as $.data.candidates",
    "api_url": "it must be an address with https, or with http on a loopback host such as 127.0.0.1",
    "user_agent": "it must be plain text in one line",
    "emit_activate_version_messages": "it must be true or false",
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
    ("interviewer_ids", [" interviewer-1"], "has an ID with spaces around it"),
    ("interviewer_ids", ["interviewer-1\n"], "has an ID with spaces around it"),
    ("interviewer_ids", ["interviewer-1", "\u00a0"], "has an ID with spaces around it"),
    ("interview_ids", [], "is empty"),
    ("interview_ids", ["interview-1\t"], "has an ID with spaces around it"),
    ("interview_ids", [""], "has an empty value in it"),
    ("interview_ids", "abc", "is text"),
    ("interview_ids", ["\ud800"], "has half a character in it"),
    ("additional_fields", {"Manual Score": [50]}, 'has a list in it, for "Manual Score"'),
    ("additional_fields", {"review": {"is": "yes"}}, 'has an object in it, for "review"'),
    ("additional_fields", {"review": None}, 'has null in it, for "review"'),
    ("additional_fields", [{"review": "yes"}], "is a list"),
    ("additional_fields", "review", "is text"),
    ("custom_field_columns", "some", "is text"),
    ("page_size", 0, "is too small"),
    ("page_size", 1001, "is too large"),
    ("page_size", "many", "is text"),
    ("page_size", 2.5, "is a number"),
    ("page_size", Decimal("100.0"), "is a number"),
    ("page_size", True, "is a boolean"),
    ("page_size", [100], "is a list"),
    ("start_date", "yesterday", "is not a date or a time"),
    ("start_date", 5, "is a number"),
    ("start_date", "2026-02-30", "is not a date or a time"),
    ("allow_incomplete", "some", "is text"),
    ("max_parallel_requests", 0, "is too small"),
    ("max_parallel_requests", 17, "is too large"),
    ("request_timeout", 0, "is too small"),
    ("request_timeout", 3601, "is too large"),
    ("records_jsonpath", "$[", "is not a valid JSONPath (JsonPathParserError)"),
    ("records_jsonpath", "", "is empty"),
    ("api_url", "", "is an invalid address"),
    ("api_url", "nonsense", "is an invalid address"),
    ("api_url", "https://", "is an invalid address"),
    ("api_url", "https://api.example.com:99999", "is an invalid address"),
    ("api_url", "https://api.example.com:https", "is an invalid address"),
    ("api_url", "https://[::1", "is an invalid address"),
    ("api_url", "https://api.exa\nmple.com", "is an invalid address"),
    ("api_url", "https://api.example.com ", "is an invalid address"),
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
]


@pytest.mark.parametrize(("name", "value", "wrong"), BAD)
def test_a_bad_setting_is_refused_in_one_line(name: str, value: Any, wrong: str) -> None:
    (line,) = errors(GOOD | {name: value})
    assert line == f"{name} {wrong}; {MUST[name]}"
    assert KEY not in line


# What stands for text is text in the environment, whatever it looks like.
def test_a_bad_setting_in_the_environment_is_refused_in_the_same_line() -> None:
    texts = {"api_key", "start_date", "user_agent"}
    for name, value, wrong in (bad for bad in BAD if isinstance(bad[1], str | None) or bad[0] not in texts):
        settings = from_environment(in_environment(GOOD | {name: value}))
        assert errors(settings) == [f"{name} {wrong}; {MUST[name]}"]


@pytest.mark.parametrize("mode", ["", "--discover", "--test", "--test=schema"])
def test_all_bad_settings_are_named_at_once_in_every_mode(api: Sandbox, read: Read, mode: str) -> None:
    run = read(api, *filter(None, [mode]), page_size=0, start_date="yesterday", interview_ids=[f"{KEY} "])
    line = "; ".join(
        f"{name} {wrong}; {MUST[name]}"
        for name, wrong in [
            ("page_size", "is too small"),
            ("interview_ids", "has an ID with spaces around it"),
            ("start_date", "is not a date or a time"),
        ]
    )
    assert_refused(run, api, line)


def test_a_key_in_the_wrong_setting_is_not_shown() -> None:
    for name in MUST:
        assert not any("sk-misplaced" in line for line in errors(GOOD | {name: "sk-misplaced"})), name


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
        ("api_url", "http://localhost:8765/"),
        ("api_url", "http://[::1]:8765"),
        ("additional_fields", {"Level 2.1": Decimal("50.10"), "review": "", "isSynced": True}),
        ("interview_ids", ["interview 1"]),
    ],
)
def test_a_good_setting_is_taken(name: str, value: Any) -> None:
    assert errors(GOOD | {name: value}) == []


def test_null_means_not_given(api: Sandbox, tmp_path: Path) -> None:
    nothing = dict.fromkeys(SCHEMA["properties"])
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


# Good, but not what was meant


@pytest.mark.parametrize(
    ("name", "hint"),
    [("pagesize", "; did you mean page_size?"), ("apiKey", "; did you mean api_key?"), ("colour", "")],
)
def test_an_unknown_setting_is_ignored_with_a_warning(api: Sandbox, read: Read, name: str, hint: str) -> None:
    run = read(api, **{name: KEY})
    assert run.code == 0
    assert run.lines("WARNING") == [f"{name} is an unknown setting and is ignored{hint}"]
    assert KEY not in run.err


def test_an_unknown_name_that_may_be_more_than_a_name_is_not_shown() -> None:
    for unknown in (f"api_key:{KEY}=", f"api_key {KEY}"):
        (line,) = config.warnings(GOOD | {unknown: "x"}, SCHEMA)
        assert KEY not in line
    (line,) = environment.warnings({f"{PREFIX}API_KEY:{KEY}=": ""}, SCHEMA, PREFIX)
    assert KEY not in line


def test_a_filter_that_came_out_empty_is_warned_of() -> None:
    assert list(config.warnings(GOOD | {"additional_fields": {}}, SCHEMA)) == [
        "additional_fields is empty, so no candidate is left out"
    ]
    assert list(config.warnings(GOOD | {"additional_fields": {"score": 0}}, SCHEMA)) == []


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("PAGESIZE", f"; did you mean {PREFIX}PAGE_SIZE?"),
        ("INTERVIEWERS_ID", f"; did you mean {PREFIX}INTERVIEWER_IDS?"),
        ("BATCH_CONFIG_STORAGE_ROOT", f"; did you mean {PREFIX}BATCH_CONFIG?"),
        ("X", ""),
    ],
)
def test_a_variable_that_is_no_setting_is_warned_of(api: Sandbox, variable: str, hint: str) -> None:
    run = run_here("--config", "ENV", environment=in_environment(config_for(api)) | {PREFIX + variable: KEY})
    assert run.code == 0
    assert run.lines("WARNING") == [f"{PREFIX}{variable} is an unknown setting and is ignored{hint}"]
    assert KEY not in run.err


@pytest.mark.parametrize("variable", ["LOGLEVEL", "_SELECT", "_CATALOG"])
def test_a_variable_that_somebody_else_obeys_is_not_warned_of(variable: str) -> None:
    assert list(environment.warnings({PREFIX + variable: "x"}, SCHEMA, PREFIX)) == []


# Where they come from


def test_the_environment_holds_text_as_it_is_and_everything_else_as_json() -> None:
    variables = {
        "PAGE_SIZE": "2",
        "ADDITIONAL_FIELDS": '{"Manual Score": 50.10, "review": "50"}',
        "START_DATE": "2026",
        "USER_AGENT": '"quoted"',
        "FLATTENING_ENABLED": "no",
        "INTERVIEWER_IDS": '["1"]',
    }
    assert from_environment({PREFIX + name: value for name, value in variables.items()}) == {
        "page_size": 2,
        "additional_fields": {"Manual Score": Decimal("50.10"), "review": "50"},
        "start_date": "2026",
        "user_agent": '"quoted"',
        "flattening_enabled": False,
        "interviewer_ids": ["1"],
    }


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "on"])
def test_a_switch_in_the_environment_takes_the_usual_words(word: str) -> None:
    name = "emit_activate_version_messages"
    assert from_environment({PREFIX + name.upper(): word}) == {name: True}


def test_the_environment_is_enough(api: Sandbox) -> None:
    run = run_here("--config", "ENV", environment=in_environment(config_for(api, page_size=2)))
    assert run.code == 0, run.err
    assert len(run.ids) == 3
    assert api.requests[-1]["limit"] == 2


def test_the_environment_counts_only_when_it_is_asked_for_and_the_line_says_so(
    api: Sandbox, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}API_KEY", KEY)
    hint = "variables of the environment and .env are read only with --config ENV"
    assert_refused(read(api, api_key=None), api, f"api_key is missing; {MUST['api_key']}; {hint}")
    run = run_here("--config", "ENV")
    assert run.lines("ERROR") == [f"interviewer_ids is missing; {MUST['interviewer_ids']}"]


def test_a_dotenv_file_is_not_looked_at_unless_it_is_asked_for(api: Sandbox, read: Read, here: Path) -> None:
    (here / ".env").write_bytes(b"\xff")
    assert read(api).code == 0


def test_a_dotenv_file_in_the_working_directory_counts_as_environment(api: Sandbox, here: Path) -> None:
    lines = [f"export {name}='{value}'" for name, value in in_environment(config_for(api, page_size=2)).items()]
    (here / ".env").write_text("\n".join([*lines, "# a comment"]), encoding="utf-8-sig")
    run = run_here("--config", "ENV")
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 2


def test_a_dotenv_file_sets_nothing_but_settings(api: Sandbox, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = ["HTTP_PROXY=http://127.0.0.1:9", "http_proxy=http://127.0.0.1:9", "REQUESTS_CA_BUNDLE=nowhere"]
    (here / ".env").write_text("\n".join([f"{PREFIX}PAGE_SIZE=2", *others, "HOME=/nowhere"]), encoding="utf-8")
    before = dict(os.environ)
    seen: dict[str, str] = {}

    def look(*_: object) -> Iterator[str]:
        seen.update(os.environ)
        yield from ()

    monkeypatch.setattr(config, "warnings", look)
    variables = in_environment(config_for(api))
    run = run_here("--config", "ENV", environment=variables)
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 2
    assert seen == before | variables


def test_nothing_is_expanded_in_a_dotenv_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED", "expanded")
    values = {"API_KEY": "$SEED-${SEED}", "USER_AGENT": '"${SEED:-x} $(id)"', "API_URL": "'$SEED'"}
    lines = [f"{PREFIX}{name}={value}" for name, value in values.items()]
    (here / ".env").write_text("\n".join(lines), encoding="utf-8")
    assert environment.variables(PREFIX) == {PREFIX + name: value.strip("\"'") for name, value in values.items()}


def test_a_variable_outdoes_the_dotenv_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / ".env").write_text(f"{PREFIX}PAGE_SIZE=2\n{PREFIX}API_KEY\n{PREFIX}X=1", encoding="utf-8")
    monkeypatch.setenv(f"{PREFIX}PAGE_SIZE", "3")
    assert environment.variables(PREFIX) == {f"{PREFIX}PAGE_SIZE": "3", f"{PREFIX}X": "1"}


def test_a_dotenv_file_that_is_not_text_is_refused(here: Path) -> None:
    # What ``echo … > .env`` makes in an older PowerShell.
    path = here / ".env"
    path.write_text(f"{PREFIX}API_KEY={KEY}", encoding="utf-16")
    with pytest.raises(ConfigurationError, match=r"\.env is not text in UTF-8$") as raised:
        environment.variables(PREFIX)
    assert str(raised.value).startswith(str(path))


def test_a_folder_named_like_the_dotenv_file_does_no_harm(here: Path) -> None:
    (here / ".env").mkdir()
    assert environment.variables(PREFIX) == {}


def test_several_files_and_the_environment_make_one_configuration(api: Sandbox, tmp_path: Path) -> None:
    first = write(tmp_path / "first.json", config_for(api, page_size=2, user_agent="first"))
    second = write(tmp_path / "second.json", {"page_size": 3})
    run = run_here("--config", first, "--config", second)
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 3
    assert api.headers[-1]["user-agent"] == "first"
    run = run_here("--config", "ENV", "--config", first, environment={f"{PREFIX}PAGE_SIZE": "4"})
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 4
