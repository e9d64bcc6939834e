"""The settings: which there are, where they come from, and that a bad one ends the run in one line."""

from __future__ import annotations

import copy
import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow import __version__, config
from tap_interviewflow.tap import TapInterviewFlow
from tests.batch_files import batch_config, files_of
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
ONLY_WITH_ENV = "is missing (variables and .env are read with --config ENV only)"

# Each setting of the tap's own: its type and its default.
DECLARED: dict[str, tuple[str, Any]] = {
    "api_key": ("string", None),
    "interviewer_ids": ("array", None),
    "interview_ids": ("array", None),
    "additional_fields": ("object", None),
    "custom_field_columns": ("boolean", False),
    "page_size": ("integer", 100),
    "start_date": ("string", None),
    "allow_incomplete": ("boolean", False),
    "max_parallel_requests": ("integer", 4),
    "request_timeout": ("integer", 60),
    "records_jsonpath": ("string", None),
    "api_url": ("string", "https://api.interviewflowai.com"),
    "user_agent": ("string", None),
    "emit_activate_version_messages": ("boolean", False),
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


def errors(**settings: Any) -> list[str]:
    return config.errors({name: value for name, value in (GOOD | settings).items() if value is not None}, SCHEMA)


def in_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The variables for some settings: text as it is, everything else as JSON."""
    return {
        PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value, default=float)
        for name, value in settings.items()
        if value is not None
    }


def line_of(name: str, broken: str) -> str:
    """The line for a bad setting: its name, the rule that it breaks and its description."""
    return f"{name} {broken}: {SCHEMA['properties'][name.partition('.')[0]]['description']}"


def assert_refused(run: Run, api: Sandbox, line: str) -> None:
    """One line says what is wrong, and nothing else has happened."""
    # The SDK puts a few words before it in discovery.
    assert [text.removeprefix("Config validation error: ") for text in run.lines("ERROR")] == [line]
    assert (run.code, run.out) == (1, "")
    assert "Traceback" not in run.err
    assert KEY not in run.err
    assert api.requests == []


# What they are


def test_about_says_what_is_checked_and_no_version() -> None:
    about = json.loads(run_here("--about", "--format=json").out)["settings"]
    assert about == SCHEMA
    assert about["required"] == ["api_key", "interviewer_ids"]
    assert [name for name, declaration in about["properties"].items() if declaration.get("secret")] == ["api_key"]
    assert __version__ not in json.dumps(about)


def test_every_setting_has_its_type_and_default_and_is_described() -> None:
    own = {name: each for name, each in SCHEMA["properties"].items() if name in DECLARED}
    assert {name: (each["type"][0], each.get("default")) for name, each in own.items()} == DECLARED
    assert all(each["title"] and each["description"].endswith(".") for each in own.values())
    others = SCHEMA["properties"].keys() - DECLARED.keys()
    assert {name.partition("_")[0] for name in others} == {"stream", "faker", "flattening", "batch"}


# Bad ones

TEXT, NUMBER, YES_OR_NO = '["string", "null"]', '["integer", "null"]', '["boolean", "null"]'
BAD: list[tuple[str, Any, str, str]] = [
    *(("api_key", value, "format", '"printable-ascii"') for value in ("", f"{KEY}\n", f" {KEY}", f"{KEY}é")),
    *(("api_key", value, "type", '["string"]') for value in ([KEY], 4711)),
    ("interviewer_ids", [], "minItems", "1"),
    *(("interviewer_ids", value, "type", '["array"]') for value in ("abc", {"interviewer-1": True})),
    ("interviewer_ids.0", [1], "type", '["string"]'),
    *(("interviewer_ids.1", ["x", text], "format", '"printable"') for text in ("", " y", "y\n", "\u00a0", "\ud800")),
    ("interview_ids", [], "minItems", "1"),
    ("interview_ids", "abc", "type", '["array", "null"]'),
    ("interview_ids.0", ["interview-1\t"], "format", '"printable"'),
    *(("additional_fields", value, "type", '["object", "null"]') for value in ([{"review": "yes"}], "review")),
    *(
        ("additional_fields.review", {"review": value}, "type", '["string", "number", "boolean"]')
        for value in ([50], {"is": "yes"}, None)
    ),
    ("custom_field_columns", "some", "type", YES_OR_NO),
    *(("page_size", value, "type", NUMBER) for value in ("many", 2.5, Decimal("100.0"), True, [100])),
    *(("page_size", 0, "minimum", "1"), ("page_size", 1001, "maximum", "1000")),
    *(("start_date", value, "format", '"date-time"') for value in ("yesterday", "2026-02-30")),
    ("start_date", 5, "type", TEXT),
    ("allow_incomplete", "some", "type", YES_OR_NO),
    *(("max_parallel_requests", 0, "minimum", "1"), ("max_parallel_requests", 17, "maximum", "16")),
    *(("request_timeout", 0, "minimum", "1"), ("request_timeout", 3601, "maximum", "3600")),
    *(("records_jsonpath", value, "format", '"jsonpath"') for value in ("$[", "")),
    *(
        ("api_url", value, "format", '"uri"')
        for value in (
            *("", "nonsense", "https://", "https:///path", "https://.example.com", "https://[::1"),
            *("https://api.example.com:99999", "https://api.example.com:https"),
            *("https://api.exa\nmple.com", "https://api.example.com ", f"https://api.example.com/?key={KEY}"),
            *(f"https://user:{KEY}@api.example.com", "https://@api.example.com", "https://api.example.com/#x"),
            *("ftp://127.0.0.1", "http://api.example.com", "http://localhost.example.com", "http://10.0.0.1"),
            *("http://127.0.0.1@api.example.com", r"http://127.0.0.1\@api.example.com", "http://127.0.0.1.example.com"),
            *("http://[::2]", "http://0.0.0.0", "http://127.0.0.1%2eexample.com"),
        )
    ),
    *(("user_agent", value, "format", '"printable-ascii"') for value in ("tap\nX-Injected: 1", "")),
    ("emit_activate_version_messages", "maybe", "type", YES_OR_NO),
]


@pytest.mark.parametrize(("path", "value", "rule", "expected"), BAD)
def test_a_bad_setting_is_one_line_with_the_rule_and_the_description_but_not_the_value(
    path: str, value: Any, rule: str, expected: str
) -> None:
    name = path.partition(".")[0]
    line = f"{path} is not valid ({rule}: {expected}): {SCHEMA['properties'][name]['description']}"
    assert errors(**{name: value}) == [line]
    assert KEY not in line


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("page_size", "many", f"type: {NUMBER}"),
        ("interviewer_ids", "interviewer-1", 'type: ["array"]'),
        ("allow_incomplete", "perhaps", f"type: {YES_OR_NO}"),
        ("additional_fields", "{", 'type: ["object", "null"]'),
        ("api_key", "k\udcff", 'format: "printable-ascii"'),
    ],
)
def test_a_bad_variable_is_the_same_line(api: Sandbox, name: str, text: str, rule: str) -> None:
    run = run_here("--config", "ENV", environment=in_environment(config_for(api) | {name: text}))
    assert_refused(run, api, line_of(name, f"is not valid ({rule})"))


@pytest.mark.parametrize("mode", ["", "--discover", "--test", "--test=schema"])
def test_all_bad_settings_are_named_at_once_in_every_mode(api: Sandbox, read: Read, mode: str) -> None:
    run = read(api, *filter(None, [mode]), page_size=0, start_date=KEY, api_key=None)
    lines = [
        line_of("api_key", ONLY_WITH_ENV),
        line_of("page_size", "is not valid (minimum: 1)"),
        line_of("start_date", 'is not valid (format: "date-time")'),
    ]
    assert_refused(run, api, " ".join(lines))


def test_a_key_in_the_wrong_setting_is_not_shown() -> None:
    assert not [name for name in SCHEMA["properties"] if "sk-misplaced" in " ".join(errors(**{name: "sk-misplaced"}))]
    assert "misplaced" not in " ".join(errors(additional_fields={"key: misplaced": [1]}))


# Good ones


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("page_size", 1), ("page_size", 1000), ("max_parallel_requests", 16), ("request_timeout", 1)),
        *(("start_date", "2026-01-31"), ("start_date", "2026-01-31T00:00:00+02:00")),
        *(("records_jsonpath", "$.data.candidates[*]"), ("user_agent", "Mozilla/5.0 (a test)")),
        *(("api_url", "http://localhost:8765/"), ("api_url", "http://[::1]:8765"), ("api_url", "http://127.9.9.9")),
        ("api_url", "https://api.interviewflowai.com/api/external/fetch/candidates"),
        ("additional_fields", {"Level 2.1": Decimal("50.10"), "review": "", "isSynced": True}),
        ("interview_ids", ["interview 1"]),
    ],
)
def test_a_good_setting_is_taken(name: str, value: Any) -> None:
    assert errors(**{name: value}) == []


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
    [
        *(("pagesize", "; did you mean page_size?"), ("apiKey", "; did you mean api_key?"), ("colour", "")),
        *(
            ("interviewers_id", "; did you mean interviewer_ids?"),
            ("batch_config_storage", "; did you mean batch_config?"),
        ),
    ],
)
@pytest.mark.parametrize("is_variable", [False, True], ids=["setting", "variable"])
def test_an_unknown_setting_is_ignored_with_a_warning(
    api: Sandbox,
    read: Read,
    name: str,
    hint: str,
    is_variable: bool,  # noqa: FBT001
) -> None:
    given = config_for(api) | {name: KEY}
    run = run_here("--config", "ENV", environment=in_environment(given)) if is_variable else read(api, **{name: KEY})
    assert run.code == 0
    shown = name.lower() if is_variable else name
    assert run.lines("WARNING") == [f"{shown} is an unknown setting and is ignored{hint}"]
    assert KEY not in run.err


def test_an_unknown_name_that_may_be_more_than_a_name_is_not_shown() -> None:
    for unknown in (f"api_key:{KEY}=", f"api_key {KEY}"):
        (line,) = config.warnings(GOOD | {unknown: "x"}, SCHEMA)
        assert KEY not in line


@pytest.mark.parametrize("variable", ["LOGLEVEL", "_SELECT", "_CATALOG"])
def test_a_variable_of_the_sdk_or_of_meltano_is_no_setting(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(PREFIX + variable, "x")
    assert config.from_environment(SCHEMA, PREFIX) == {}


def test_a_filter_that_came_out_empty_is_warned_of() -> None:
    line = "additional_fields is empty, so no candidate is left out"
    assert [*config.warnings(GOOD | {"additional_fields": {}}, SCHEMA)] == [line]
    assert [*config.warnings(GOOD | {"additional_fields": {"score": 0}}, SCHEMA)] == []


def test_a_start_date_that_does_nothing_is_warned_of_once(api: Sandbox, read: Read) -> None:
    line = "start_date does nothing without incremental replication: all candidates are written"
    candidates = api.candidates("interviewer-1")
    incremental = catalog_of(*candidates, replication_method="INCREMENTAL", replication_key="createdAt")
    full = read(api, start_date="2026-01-31")
    assert (full.code, full.lines("WARNING")) == (0, [line])
    assert read(api, start_date="2026-01-31", catalog=catalog_of(*candidates)).lines("WARNING") == [line]
    assert read(api, start_date="2026-01-31", catalog=incremental).lines("WARNING") == []
    assert read(api, "--discover", start_date="2026-01-31").lines("WARNING") == []


# Where they come from


def test_the_environment_holds_text_as_it_is_and_everything_else_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "PAGE_SIZE": "2",
        "ADDITIONAL_FIELDS": '{"Manual Score": 50.10, "review": "50"}',
        "START_DATE": "2026",
        "USER_AGENT": '"quoted"',
        "FLATTENING_ENABLED": "no",
        "INTERVIEWER_IDS": '["1"]',
        "INTERVIEW_IDS": "not JSON",
        **dict.fromkeys(("ALLOW_INCOMPLETE", "CUSTOM_FIELD_COLUMNS"), "TRUE"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    assert config.from_environment(SCHEMA, PREFIX) == {
        "page_size": 2,
        "additional_fields": {"Manual Score": Decimal("50.10"), "review": "50"},
        "start_date": "2026",
        "user_agent": '"quoted"',
        "flattening_enabled": False,
        "interviewer_ids": ["1"],
        "interview_ids": "not JSON",
        "allow_incomplete": True,
        "custom_field_columns": True,
    }


def test_the_environment_counts_only_when_it_is_asked_for_and_the_line_says_so(
    api: Sandbox, read: Read, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / ".env").write_bytes(b"\xff")
    monkeypatch.setenv(f"{PREFIX}API_KEY", KEY)
    assert_refused(read(api, api_key=None), api, line_of("api_key", ONLY_WITH_ENV))
    (here / ".env").unlink()
    run = run_here("--config", "ENV")
    assert run.lines("ERROR") == [line_of("interviewer_ids", ONLY_WITH_ENV)]


def test_a_dotenv_file_in_the_working_directory_counts_as_environment(
    api: Sandbox, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = in_environment(config_for(api, page_size=2, user_agent="$SEED-${SEED:-x} $(id)"))
    lines = [f"export {name}='{value}'" for name, value in given.items()]
    (here / ".env").write_text("\n".join([*lines, "# a comment", "this is for others, and no variable"]), "utf-8-sig")
    monkeypatch.setenv("SEED", "expanded")
    run = run_here("--config", "ENV")
    assert run.code == 0, run.err
    assert api.requests[-1]["limit"] == 2
    assert api.headers[-1]["user-agent"] == "$SEED-${SEED:-x} $(id)"
    run = run_here("--config", "ENV", environment={f"{PREFIX}PAGE_SIZE": "3"})
    assert api.requests[-1]["limit"] == 3


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


# The SDK's own: batches

JSONL, STORAGE = {"format": "jsonl"}, {"root": "x"}
UNEXPECTED = "Additional properties are not allowed"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("jsonl", ' is not valid (type: ["object"])'),
        ({"encoding": JSONL}, " is not valid ('storage' is a required property)"),
        ({"encoding": JSONL, "storage": {}}, ".storage is not valid ('root' is a required property)"),
        ({"encoding": {}, "storage": STORAGE}, ".encoding is not valid ('format' is a required property)"),
        (
            {"encoding": {"format": "parquet"}, "storage": STORAGE},
            '.encoding.format is not valid (enum: ["jsonl"])',
        ),
        ({"encoding": JSONL, "storage": STORAGE, "batch_size": 0}, ".batch_size is not valid (minimum: 1)"),
        ({"encoding": JSONL, "storage": STORAGE, "size": 5}, f" is not valid ({UNEXPECTED} ('size' was unexpected))"),
        (
            {"encoding": {**JSONL, "level": 9}, "storage": STORAGE},
            f".encoding is not valid ({UNEXPECTED} ('level' was unexpected))",
        ),
        (
            {"encoding": JSONL, "storage": {**STORAGE, "bucket": "y"}},
            f".storage is not valid ({UNEXPECTED} ('bucket' was unexpected))",
        ),
    ],
    ids=str,
)
def test_batches_that_would_lose_candidates_or_end_the_run_late_are_one_line(given: object, said: str) -> None:
    assert errors(batch_config=given) == [f"batch_config{said}: Configuration for BATCH message capabilities."]


@pytest.mark.parametrize("compression", [None, "none", "gzip"])
def test_batches_may_be_compressed_or_not(api: Sandbox, read: Read, tmp_path: Path, compression: str | None) -> None:
    given = batch_config(tmp_path / "files") | {"encoding": {**JSONL, "compression": compression}, "batch_size": None}
    run = read(api, batch_config=given)
    assert run.code == 0, run.err
    assert len(files_of(run)) == 1


# The SDK's own: stream maps

SALT = "s4lt"


def maps(**columns: Any) -> dict[str, Any]:
    return {"stream_maps": {"candidates": columns}}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("md5(config['hash_seed'] + email)", {"hash_seed": ""}),
        ("md5(config['salt'] + email)", {"salt": ""}),
        ('sha256(config["salt"] + email)', {"salt": "  "}),
        ("sha256(config.salt + email)", {"salt": ""}),
        ("md5(f\"{config['salt']}{email}\")", {"salt": None}),
        ("md5(config.get('salt', 'x') + email)", {"salt": ""}),
        ("md5(config.get('salt', '') + email)", {}),
        ("md5(str(config.get('salt')) + email)", None),
        ("config['salt'] + email if 'salt' in config else email", {"salt": ""}),
    ],
)
def test_an_empty_salt_is_refused_whatever_its_name(
    api: Sandbox, read: Read, expression: str, values: dict[str, Any] | None
) -> None:
    run = read(api, **maps(email=expression), stream_map_config=values)
    name = next(iter(values or {"salt": None}))
    assert_refused(run, api, f"stream_maps.candidates.email uses stream_map_config.{name}, which is empty.")


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("md5(config['salt'] + email)", {"salt": SALT, "unused": ""}),
        ("md5(config.get('salt', 'x') + email)", {}),
        ("config['salt'] + email if 'salt' in config else email", {}),
        ("config['limit'] + 1", {"limit": 0}),
        ("__NULL__", {"salt": ""}),
        (None, {"salt": ""}),
    ],
)
def test_a_map_that_takes_no_empty_value_is_taken(expression: object, values: dict[str, Any]) -> None:
    assert errors(**maps(email=expression), stream_map_config=values) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (maps(email=f"nosuch(email, '{SALT}')"), "email: FunctionNotDefined nosuch"),
        (maps(email="email + nosuch"), "email: NameNotDefined nosuch"),
        (maps(email="email.nosuch"), "email: AttributeDoesNotExist nosuch"),
        (maps(email=f"email + 5 + '{SALT}'"), "email: TypeError"),
        (maps(email="{}[email]"), "email: KeyError"),
        (maps(email="md5(config['salt'])"), "email: KeyError"),
        (maps(email=f"md5('{SALT}' + email"), "email: SyntaxError"),
        (maps(email="-" * 100_000 + "1"), "email: "),
        (maps(email=""), "email: "),
        (maps(email=5), "Unexpected type 'int' in stream map for 'candidates:email'."),
        (maps(__filter__="email > 5"), "__filter__: TypeError"),
        (maps(__alias__="people", x="1/0"), "x: ZeroDivisionError"),
        (maps(__key_properties__=["x"]), "Invalid key properties for 'candidates': [x]."),
        ({"stream_maps": {"candidates": 5}}, ""),
    ],
    ids=range(14),
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


@pytest.mark.parametrize(
    ("name", "definition", "stream"),
    [("people", {}, "people"), ("people", None, "people"), ("x", {"__source__": "people"}, "people"), ("c?", {}, "c?")],
)
def test_a_map_of_a_stream_that_does_not_exist_is_warned_of(name: str, definition: object, stream: str) -> None:
    settings = GOOD | {"stream_maps": {name: definition}}
    line = f"stream_maps.{name} is ignored: there is no stream {stream}, only candidates"
    assert [*config.warnings(settings, SCHEMA)] == [line]


def test_a_map_of_our_stream_is_not_warned_of() -> None:
    source = {"people": {"__source__": "candidates"}}
    given: list[dict[str, Any]] = [{"candidates": {}}, {"__else__": None}, source, {"*": {}}, {"cand*": None}]
    for stream_maps in given:
        assert [*config.warnings(GOOD | {"stream_maps": stream_maps}, SCHEMA)] == []


def test_flattening_without_a_depth_is_one_line(api: Sandbox, read: Read) -> None:
    (line,) = read(api, flattening_enabled=True).lines("ERROR")
    assert line == "flattening_max_depth is required when flattening is enabled"


def test_a_storage_that_can_not_be_written_to_is_named_with_the_setting(
    api: Sandbox, read: Read, tmp_path: Path
) -> None:
    (tmp_path / "a file").touch()
    for root in (str(tmp_path / "a file"), "unknown://nowhere"):
        run = read(api, batch_config={"encoding": JSONL, "storage": {"root": root}})
        (line,) = run.lines("ERROR")
        assert line.startswith("batch_config can't be used: ")
        assert run.code == 1
