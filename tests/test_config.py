"""The settings: which there are, where they come from, and that a bad one ends the run in one line."""

from __future__ import annotations

import copy
import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow import __version__, config
from tap_interviewflow.api.client import API_URL, PATH
from tap_interviewflow.tap import TapInterviewFlow
from tests.runs import Run, catalog_of, config_for, run_here, write
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
MISSING = "is missing (variables and .env are read with --config ENV only)"


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": 3}, key=KEY) as sandbox:
        yield sandbox


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of this test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def errors(**settings: Any) -> list[str]:
    return config.validate(GOOD | settings, SCHEMA)


def warnings(**settings: Any) -> list[str]:
    return [*config.warnings_of(GOOD | settings, SCHEMA)]


def in_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The variables for some settings: text as it is, everything else as JSON."""
    return {
        PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }


def line_of(path: str, broken: str) -> str:
    """The line for a bad setting: its name, the rule that it breaks and its description."""
    return f"{path} {broken}: {SCHEMA['properties'][path.partition('.')[0]]['description']}"


def assert_refused(run: Run, api: Sandbox, line: str) -> None:
    """One line says what is wrong, and nothing else has happened."""
    # The SDK puts a few words before it in discovery.
    assert [text.removeprefix("Config validation error: ") for text in run.lines("ERROR")] == [line]
    assert (run.code, run.out, api.requests) == (1, "", [])
    assert "Traceback" not in run.err
    assert KEY not in run.err


# What they are


def test_about_says_what_is_checked_and_no_version() -> None:
    about = json.loads(run_here("--about", "--format=json").out)["settings"]
    assert about == SCHEMA
    assert about["required"] == ["api_key", "interviewer_ids"]
    assert [name for name, each in about["properties"].items() if each.get("secret")] == ["api_key"]
    assert [name for name, each in about["properties"].items() if not each["title"] or not each["description"]] == []
    defaults = {name: each["default"] for name, each in about["properties"].items() if "default" in each}
    assert defaults == {
        **dict.fromkeys(("allow_incomplete", "custom_field_columns", "emit_activate_version_messages"), False),
        "page_size": 100,
        "max_parallel_requests": 4,
        "request_timeout": 60,
        "api_url": "https://api.interviewflowai.com",
    }
    assert __version__ not in json.dumps(about)


# Bad ones

TEXT, NUMBER, YES_OR_NO = 'type: ["string", "null"]', 'type: ["integer", "null"]', 'type: ["boolean", "null"]'
BAD: list[tuple[str, str, tuple[Any, ...]]] = [
    ("api_key", 'format: "trimmed-ascii"', ("", f"{KEY}\n", f" {KEY}", f"{KEY}é")),
    ("api_key", 'type: ["string"]', ([KEY], 4711)),
    ("interviewer_ids", "minItems: 1", ([],)),
    ("interviewer_ids", 'type: ["array"], as JSON', ("abc", {"interviewer-1": True})),
    ("interviewer_ids.0", 'type: ["string"]', ([1],)),
    ("interviewer_ids.1", 'format: "trimmed"', (["x", ""], ["x", " y"], ["x", "y\n"], ["x", "\u00a0"])),
    ("interview_ids", "minItems: 1", ([],)),
    ("interview_ids.0", 'format: "trimmed"', (["interview-1\t"],)),
    ("additional_fields", 'type: ["object", "null"], as JSON', ([{"review": "yes"}], "review")),
    ("additional_fields.review", 'type: ["string", "number", "boolean"]', ({"review": [5]}, {"review": None})),
    ("custom_field_columns", YES_OR_NO, ("some",)),
    ("page_size", NUMBER, ("many", 2.5, Decimal("100.0"), True, [100])),
    *(("page_size", "minimum: 1", (0,)), ("page_size", "maximum: 1000", (1001,))),
    *(("start_date", 'format: "date-time"', ("yesterday", "2026-02-30")), ("start_date", TEXT, (5,))),
    ("allow_incomplete", YES_OR_NO, ("some",)),
    *(("max_parallel_requests", "minimum: 1", (0,)), ("max_parallel_requests", "maximum: 16", (17,))),
    *(("request_timeout", "minimum: 1", (0,)), ("request_timeout", "maximum: 3600", (3601,))),
    ("records_jsonpath", 'format: "jsonpath"', ("$[", "")),
    ("api_url", 'format: "uri"', ("", "nonsense", "https://", "https:///path", "https://.example.com", "https://[::1")),
    ("api_url", 'format: "uri"', ("https://api.example.com:99999", "https://api.exa\nmple.com", "https://x.org ")),
    ("api_url", 'format: "uri"', (f"https://u:{KEY}@x.org", f"https://x.org/?key={KEY}", "https://x.org/#x")),
    ("api_url", 'format: "uri"', ("ftp://127.0.0.1", "http://x.org", "http://localhost.x.org", "http://10.0.0.1")),
    ("api_url", 'format: "uri"', ("http://127.0.0.1@x.org", r"http://127.0.0.1\@x.org", "http://127.0.0.1.x.org")),
    ("user_agent", 'format: "trimmed-ascii"', ("tap\nX-Injected: 1", "")),
    ("emit_activate_version_messages", YES_OR_NO, ("maybe",)),
    ("stream_maps", 'type: ["object", "null"], as JSON', ([1], "x")),
]


def test_a_bad_setting_is_one_line_with_the_rule_and_the_description_but_not_the_value() -> None:
    for path, rule, values in BAD:
        for value in values:
            assert errors(**{path.partition(".")[0]: value}) == [line_of(path, f"is not valid ({rule})")], value


@pytest.mark.parametrize("mode", ["", "--discover", "--test", "--test=schema"])
def test_all_bad_settings_are_named_at_once_in_every_mode(api: Sandbox, read: Read, mode: str) -> None:
    run = read(api, *filter(None, [mode]), page_size=0, start_date=KEY, api_key=None)
    date = 'is not valid (format: "date-time")'
    broken = {"api_key": MISSING, "page_size": "is not valid (minimum: 1)", "start_date": date}
    assert_refused(run, api, " ".join(line_of(name, rule) for name, rule in broken.items()))


def test_a_bad_variable_is_the_same_line(api: Sandbox) -> None:
    for name, text, rule in (("page_size", "many", NUMBER), ("api_key", "k\udcff", 'format: "trimmed-ascii"')):
        run = run_here("--config", "ENV", environment=in_environment(config_for(api) | {name: text}))
        assert_refused(run, api, line_of(name, f"is not valid ({rule})"))


def test_a_key_in_the_wrong_setting_is_not_shown() -> None:
    assert not [name for name in SCHEMA["properties"] if "sk-misplaced" in " ".join(errors(**{name: "sk-misplaced"}))]
    assert "misplaced" not in " ".join(errors(additional_fields={"key: misplaced": [1]}))


def test_a_program_may_leave_out_the_check() -> None:
    assert TapInterviewFlow(config={"stream_maps": [1]}, validate_config=False, setup_mapper=False).config


# Good ones


GOOD_ONES: dict[str, tuple[Any, ...]] = {
    "page_size": (1, 1000),
    "max_parallel_requests": (1, 16),
    "request_timeout": (1, 3600),
    "start_date": ("2026-01-31", "2026-01-31T00:00:00+02:00"),
    "records_jsonpath": ("$.data.candidates[*]",),
    "user_agent": ("Mozilla/5.0 (a test)",),
    "api_url": ("http://localhost:8765/", "http://[::1]:8765", "http://127.9.9.9", f"{API_URL}{PATH}"),
    "additional_fields": ({"Level 2.1": Decimal("50.10"), "review": "", "isSynced": True},),
    "interview_ids": (["interview 1"],),
    "batch_config": (
        {"encoding": {"format": "jsonl", "compression": None}, "storage": {"root": "x", "prefix": None, "params": {}}},
        {"encoding": {"format": "jsonl"}, "storage": {"root": "x"}, "batch_size": None},
    ),
}


def test_a_good_setting_is_taken() -> None:
    for name, values in GOOD_ONES.items():
        assert [errors(**{name: value}) for value in values] == [[]] * len(values)


def test_null_means_not_given(api: Sandbox, tmp_path: Path) -> None:
    nothing = dict.fromkeys(SCHEMA["properties"])
    run = run_here("--config", write(tmp_path / "config.json", nothing | config_for(api)))
    assert run.code == 0, run.err
    assert (api.requests[0]["limit"], "additionalFields" in api.requests[0]) == (100, False)
    assert api.headers[0]["user-agent"] == f"tap-interviewflow/{__version__}"


def test_what_is_sent_follows_the_settings(api: Sandbox, read: Read) -> None:
    fields = {"Manual Score": 50, "review": "50", "isSynced": True}
    read(api, page_size=7, additional_fields=fields, user_agent="me")
    sent = api.requests[-1]
    assert (sent["limit"], json.dumps(sent["additionalFields"])) == (7, json.dumps(fields))
    assert (api.headers[-1]["user-agent"], api.headers[-1]["x-api-key"]) == ("me", KEY)


# Good, but not what was meant


def test_an_unknown_setting_is_ignored_with_a_warning(api: Sandbox, read: Read) -> None:
    line = "pagesize is an unknown setting and is ignored; did you mean page_size?"
    variables = in_environment(config_for(api) | {"pagesize": KEY})
    for run in (read(api, pagesize=KEY), run_here("--config", "ENV", environment=variables)):
        assert (run.code, run.lines("WARNING")) == (0, [line])
        assert KEY not in run.err
    assert warnings(colour=1) == ["colour is an unknown setting and is ignored"]
    assert KEY not in " ".join(warnings(**{f"pagesize:{KEY}=": 1}))


def test_a_filter_that_came_out_empty_is_warned_of() -> None:
    assert warnings(additional_fields={}) == ["additional_fields is empty, so no candidate is left out"]
    assert warnings(additional_fields={"score": 0}) == []


def test_a_start_date_that_does_nothing_is_warned_of_once(api: Sandbox, read: Read) -> None:
    line = "start_date does nothing in FULL_TABLE mode or with interview_ids: all candidates are written"
    candidates = api.candidates("interviewer-1")
    incremental = catalog_of(*candidates, replication_method="INCREMENTAL", replication_key="createdAt")
    full = read(api, start_date="2026-01-31")
    assert (full.code, full.lines("WARNING")) == (0, [line])
    assert read(api, start_date="2026-01-31", catalog=catalog_of(*candidates)).lines("WARNING") == [line]
    assert read(api, start_date="2026-01-31", catalog=incremental).lines("WARNING") == []
    assert read(api, "--discover", start_date="2026-01-31").lines("WARNING") == []


# Where they come from


def test_the_environment_holds_text_as_it_is_and_everything_else_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = '{"Manual Score": 50.10, "review": "50"}'
    variables = {
        "PAGE_SIZE": ("2", 2),
        "START_DATE": ("2026", "2026"),
        "USER_AGENT": ('"quoted"', '"quoted"'),
        "ADDITIONAL_FIELDS": (fields, {"Manual Score": Decimal("50.10"), "review": "50"}),
        "INTERVIEWER_IDS": ('["1"]', ["1"]),
        "FLATTENING_ENABLED": ("no", False),
        "ALLOW_INCOMPLETE": ("TRUE", True),
        "CUSTOM_FIELD_COLUMNS": ("1", True),
    }
    for name, (text, _) in variables.items():
        monkeypatch.setenv(PREFIX + name, text)
    for name in ("LOGLEVEL", "_SELECT"):  # those are of the SDK and of Meltano
        monkeypatch.setenv(PREFIX + name, "x")
    found = config.from_environment(SCHEMA, PREFIX)
    assert found == {name.lower(): value for name, (_, value) in variables.items()}


def test_the_environment_counts_only_when_it_is_asked_for_and_the_line_says_so(
    api: Sandbox, read: Read, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / ".env").write_bytes(b"\xff")
    monkeypatch.setenv(f"{PREFIX}API_KEY", KEY)
    assert_refused(read(api, api_key=None), api, line_of("api_key", MISSING))


def test_a_dotenv_file_sets_settings_and_nothing_else(
    api: Sandbox, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = in_environment(config_for(api, page_size=2, user_agent="$SEED-${SEED:-x} $(id)"))
    others = ["HTTP_PROXY=http://127.0.0.1:9", "REQUESTS_CA_BUNDLE=nowhere", "# a comment", "this is no variable"]
    lines = [f"export {name}='{value}'" for name, value in given.items()]
    (here / ".env").write_text("\n".join([*lines, *others]), "utf-8-sig")
    monkeypatch.setenv("SEED", "expanded")
    monkeypatch.setenv(f"{PREFIX}REQUEST_TIMEOUT", "7")
    before = dict(os.environ)
    seen: dict[str, str] = {}
    monkeypatch.setattr(config, "warnings_of", lambda *_: [seen.update(os.environ)][1:])
    run = run_here("--config", "ENV")
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 2
    assert api.headers[-1]["user-agent"] == "$SEED-${SEED:-x} $(id)"
    assert seen == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f'{PREFIX}API_KEY="{KEY}\n'.encode(), f"can't be parsed where it sets {PREFIX}API_KEY; is a quote missing?"),
        (f"A='\nexport {PREFIX}API_KEY='{KEY}'".encode(), f"can't be parsed where it sets {PREFIX}API_KEY; is a quote"),
        (f"{PREFIX}API_KEY={KEY}".encode("utf-16"), "is not text in UTF-8"),  # as an older PowerShell writes it
    ],
    ids=["no quote", "a quote of others", "UTF-16"],
)
def test_a_dotenv_file_that_can_not_be_parsed_is_one_line(here: Path, content: bytes, said: str) -> None:
    (here / ".env").write_bytes(content)
    run = run_here("--config", "ENV")
    (line,) = run.lines("ERROR")
    assert line.startswith(f"{here / '.env'} {said}")
    assert run.code == 1
    assert KEY not in run.err


def test_a_folder_named_like_the_dotenv_file_does_no_harm(here: Path) -> None:
    (here / ".env").mkdir()
    assert config.from_environment(SCHEMA, PREFIX) == {}


def test_several_files_and_the_environment_make_one_configuration(api: Sandbox, here: Path) -> None:
    (here / ".env").write_text(f"{PREFIX}PAGE_SIZE=5\n{PREFIX}USER_AGENT=third\n{PREFIX}ALLOW_INCOMPLETE", "utf-8")
    first = write(here / "first.json", config_for(api, page_size=2, user_agent="first"))
    second = write(here / "second.json", {"page_size": 3})
    for arguments, limit, agent in (
        (("--config", first, "--config", second), 3, "first"),
        (("--config", "ENV", "--config", first), 4, "third"),
    ):
        run = run_here(*arguments, environment={f"{PREFIX}PAGE_SIZE": "4"})
        assert run.code == 0, run.err
        assert (api.requests[0]["limit"], api.headers[-1]["user-agent"]) == (limit, agent)
        api.requests.clear()


# The SDK's own: batches

JSONL, STORAGE = {"format": "jsonl"}, {"root": "x"}


@pytest.mark.parametrize(
    ("changes", "path", "rule"),
    [
        ({"storage": {}}, ".storage", "'root' is a required property"),
        ({"encoding": {}}, ".encoding", "'format' is a required property"),
        ({"encoding": None}, ".encoding", 'type: ["object"], as JSON'),
        ({"encoding": {"format": "parquet"}}, ".encoding.format", 'enum: ["jsonl"]'),
        ({"batch_size": 0}, ".batch_size", "minimum: 1"),
        ({"storage": {"root": "x", "params": None}}, ".storage.params", 'type: ["object"], as JSON'),
        ({"size": 5}, "", "unexpected: size"),
        ({"a secret": 5}, "", "unexpected: (a name of 8 characters)"),
    ],
    ids=str,
)
def test_batches_that_would_lose_candidates_or_have_an_unknown_key_are_one_line(
    changes: dict[str, Any], path: str, rule: str
) -> None:
    given = {"encoding": JSONL, "storage": STORAGE, **changes}
    assert errors(batch_config=given) == [line_of(f"batch_config{path}", f"is not valid ({rule})")]


# The SDK's own: stream maps

SALT = "s4lt"


def maps(**columns: Any) -> dict[str, Any]:
    return {"stream_maps": {"candidates": columns}}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("md5(config['hash_seed'] + email)", {"hash_seed": ""}),
        ('sha256(config["salt"] + email)', {"salt": "  "}),
        ("sha256(config.salt + email)", {"salt": ""}),
        ("md5(f\"{config['salt']}{email}\")", {"salt": None}),
        ("md5(config.get('salt', 'x') + email)", {"salt": ""}),
        ("md5(config.get('salt', '') + email)", {}),
        ("md5(str(config.get('salt')) + email)", None),
    ],
)
def test_an_empty_salt_is_refused_whatever_its_name(expression: str, values: dict[str, Any] | None) -> None:
    name = next(iter(values or {"salt": None}))
    line = f"stream_maps.candidates.email uses stream_map_config.{name}, which is empty."
    assert errors(**maps(email=expression), stream_map_config=values) == [line]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("md5(config['salt'] + email)", {"salt": SALT, "unused": ""}),
        ("md5(config.get('salt', 'x') + email)", {}),
        ("config['salt'] + email if 'salt' in config else email", {}),
        *(("config['limit'] + 1", {"limit": 0}), ("__NULL__", {"salt": ""})),
    ],
)
def test_a_map_that_takes_no_empty_value_is_taken(expression: str, values: dict[str, Any]) -> None:
    assert errors(**maps(email=expression), stream_map_config=values) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (maps(email=f"nosuch(email, '{SALT}')"), "email: FunctionNotDefined nosuch"),
        (maps(email=f"email + 5 + '{SALT}'"), "email: TypeError"),
        (maps(email=f"md5('{SALT}' + email"), "email: SyntaxError"),
        (maps(email="-" * 100_000 + "1"), "email: "),
        (maps(email=5), "email: StreamMapConfigError"),
        (maps(__filter__="email > 5"), "__filter__: TypeError"),
        (maps(__key_properties__=["x"]), "an expression: StreamMapConfigError"),
    ],
    ids=range(7),
)
def test_a_map_that_fails_is_named_without_what_it_was_given(
    api: Sandbox, read: Read, settings: dict[str, Any], said: str
) -> None:
    run = read(api, **settings)
    (line,) = run.lines("ERROR")
    assert line.startswith(f"stream_maps can't be used: {said}")
    assert run.code == 1
    assert "Traceback" not in run.err
    assert SALT not in line
    assert "@" not in run.err


def test_a_map_of_a_stream_that_does_not_exist_is_warned_of() -> None:
    for definition, stream in (({}, "x"), (None, "x"), ({"__source__": "y"}, "y")):
        line = f"stream_maps.x is ignored: there is no stream {stream}, only candidates"
        assert warnings(stream_maps={"x": definition}) == [line]
    assert warnings(stream_maps={"candidates": {}, "__else__": None, "*": {}, "cand*": None}) == []
    assert warnings(stream_maps={"people": {"__source__": "candidates"}}) == []


def test_flattening_without_a_depth_is_one_line(api: Sandbox, read: Read) -> None:
    run = read(api, flattening_enabled=True)
    assert run.lines("ERROR") == ["flattening_max_depth is required when flattening is enabled"]
