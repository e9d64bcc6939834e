from __future__ import annotations

import os
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

import pytest

from tap_interviewflow import builtin, cli, config
from tests.sandbox import Sandbox
from tests.test_config import GOOD, SCHEMA, errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Read

SEED = "s33d"


@pytest.fixture
def api() -> Iterator[Sandbox]:
    with Sandbox({"interviewer-1": 3}) as running:
        yield running


def maps(**columns: Any) -> dict[str, Any]:
    return {"stream_maps": {"candidates": columns}}


def batches(root: object = "batches", **changes: Any) -> dict[str, Any]:
    return {"batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": root}} | changes}


# Before the first request

AN_EXPRESSION = "it must be the text of an expression, null or __NULL__"
AN_OBJECT = "it must be an object of expressions, null or __NULL__"

BAD: list[tuple[dict[str, Any], str]] = [
    ({"stream_maps": [1]}, "stream_maps is a list; it must be an object"),
    ({"stream_maps": {"__else__": "x"}}, "stream_maps.__else__ must be null or __NULL__"),
    (
        {"stream_maps": {"__other__": {}}},
        "stream_maps.__other__ is unknown; it must be the name of a stream, or __else__",
    ),
    ({"stream_maps": {"candidates": "email"}}, f"stream_maps.candidates is text; {AN_OBJECT}"),
    ({"stream_maps": {"candidates": [1]}}, f"stream_maps.candidates is a list; {AN_OBJECT}"),
    (maps(email=5), f"stream_maps.candidates.email is a number; {AN_EXPRESSION}"),
    (maps(__filter__=None), f"stream_maps.candidates.__filter__ is null; {AN_EXPRESSION}"),
    (maps(__else__="x"), "stream_maps.candidates.__else__ must be null or __NULL__"),
    (maps(__key_properties__="id"), "stream_maps.candidates.__key_properties__ must be a list of columns, or null"),
    (maps(email=f"md5('{SEED}' + email"), "stream_maps.candidates.email is not a valid expression"),
    (maps(__filter__="status =="), "stream_maps.candidates.__filter__ is not a valid expression"),
    (maps(__alias__="'people"), "stream_maps.candidates.__alias__ is not a valid expression"),
    (
        {"stream_maps": {"people": {"__source__": "candidates", "x": "("}}},
        "stream_maps.people.x is not a valid expression",
    ),
    ({"stream_maps": {"cand*": {"x": "("}}}, "stream_maps.cand*.x is not a valid expression"),
    ({"stream_map_config": SEED}, "stream_map_config is text; it must be an object"),
    ({"faker_config": {"locale": 5}}, "faker_config.locale is a number; it must be text or a list"),
    ({"flattening_enabled": "maybe"}, "flattening_enabled is text; it must be true or false"),
    ({"flattening_max_depth": "deep"}, "flattening_max_depth is text; it must be a whole number"),
    ({"flattening_enabled": True, "flattening_max_depth": -1}, "flattening_max_depth must be 0 or more"),
    (
        {"flattening_enabled": True},
        "flattening_max_depth is missing, which flattening_enabled needs; it must be a whole number",
    ),
    ({"batch_config": "jsonl"}, "batch_config is text; it must be an object"),
    (batches(encoding=None), "batch_config.encoding is null; it must be an object"),
    (batches(encoding={}), "batch_config.encoding.format is missing; required are: format"),
    (batches(encoding={"format": "parquet"}), "batch_config.encoding.format must be one of: jsonl"),
    (
        batches(encoding={"format": "jsonl", "compression": "zip"}),
        "batch_config.encoding.compression must be one of: gzip, none",
    ),
    (
        batches(encoding={"format": "jsonl", "x": 1}),
        "batch_config.encoding.x is unknown; it must be one of: format, compression",
    ),
    (batches(storage={}), "batch_config.storage.root is missing; required are: root"),
    (
        {"batch_config": {"encoding": {"format": "jsonl"}}},
        "batch_config.storage is missing; required are: encoding, storage",
    ),
    (batches(size=5), "batch_config.size is unknown; it must be one of: encoding, storage, batch_size"),
    (batches(batch_size=0), "batch_config.batch_size must be 1 or more"),
    (batches(batch_size="x"), "batch_config.batch_size is text; it must be a whole number"),
    (batches(""), "batch_config.storage.root is empty"),
    (batches(5), "batch_config.storage.root is a number; it must be text"),
    (
        batches(f"unknown://user:{SEED}@host"),
        "batch_config.storage.root has an unknown scheme; it must be the path of a folder, or an address with s3://",
    ),
]


@pytest.mark.parametrize(("settings", "line"), BAD, ids=[line for _, line in BAD])
def test_a_bad_setting_of_the_sdk_is_refused_in_one_line_with_its_path(settings: dict[str, Any], line: str) -> None:
    assert errors(GOOD | settings) == [line]
    assert SEED not in line


@pytest.mark.parametrize(
    "text", ["", "x = 1", "email; name", "\0", "\ud800", "(" * 10_000, "-" * 100_000 + "1"], ids=range(7)
)
def test_what_python_can_not_parse_is_not_a_valid_expression(text: str) -> None:
    assert errors(GOOD | maps(email=text)) == ["stream_maps.candidates.email is not a valid expression"]


GOOD_ONES: list[dict[str, Any]] = [
    {"stream_maps": {"__else__": "__NULL__", "candidates": {}}},
    {"stream_maps": {"__else__": None, "candidates": None}},
    {"stream_maps": {"candidates": "__NULL__", "people": {"__source__": "candidates", "__alias__": "staff"}}},
    maps(email="md5(email) if email else None", name=None, status="__NULL__", __else__=None, __filter__="bool(email)"),
    maps(__key_properties__=["id"], interviewerId=None, hash="config.get('hash_seed')"),
    maps(__key_properties__=None),
    maps(hash="config['hash_seed'] if 'hash_seed' in config else ''"),
    maps(email="config['hash_seed'] + config['prefix']") | {"stream_map_config": {"hash_seed": SEED, "prefix": ""}},
    {"stream_maps": {"somebody_elses": {"x": "("}}},
    {"faker_config": {"locale": ["en_US"], "seed": 5}},
    {"flattening_enabled": True, "flattening_max_depth": 1},
    {"flattening_enabled": False},
    batches(batch_size=1, encoding={"format": "jsonl", "compression": "gzip"}),
    batches("file:///tmp", encoding={"format": "jsonl", "compression": None}),
]


@pytest.mark.parametrize("settings", GOOD_ONES, ids=repr)
def test_a_good_setting_of_the_sdk_is_taken(settings: dict[str, Any]) -> None:
    assert errors(GOOD | settings) == []


@pytest.mark.parametrize("map_config", [None, {}, {"hash_seed": None}, {"hash_seed": ""}], ids=repr)
def test_a_hash_seed_that_is_used_but_not_set_is_named(map_config: object) -> None:
    settings = maps(email="md5(config['hash_seed'] + email)") | {"stream_map_config": map_config}
    assert errors(GOOD | settings) == [
        "stream_maps.candidates.email uses stream_map_config.hash_seed, which is not set"
    ]


def test_a_package_that_an_expression_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = maps(name="fake.name()")
    monkeypatch.setattr(builtin, "find_spec", lambda _: None)
    assert errors(GOOD | settings) == [
        "stream_maps.candidates.name uses fake, which needs the package faker: install it beside the tap"
    ]
    monkeypatch.setattr(builtin, "find_spec", lambda _: object())
    assert errors(GOOD | settings) == []


def test_a_package_that_a_storage_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        message = "Install s3fs to access S3"
        raise ImportError(message)

    monkeypatch.setattr(builtin, "strip_protocol", fail)
    assert errors(GOOD | batches(f"s3://bucket/{SEED}")) == [
        "batch_config.storage.root needs a package that is not installed: Install s3fs to access S3"
    ]


@pytest.mark.parametrize("below", ["", "/a/b"])
@pytest.mark.parametrize("scheme", ["", "file://", "local://"])
def test_a_folder_that_can_be_made_and_written_to_is_taken(tmp_path: Path, scheme: str, below: str) -> None:
    assert errors(GOOD | batches(f"{scheme}{tmp_path.as_posix()}{below}")) == []


@pytest.mark.parametrize(
    ("root", "prefix"),
    [
        *(("new/what?", ""), ("new/what?/files", ""), ("new", "what?/x"), ("new/files#", ""), ("new/files#/", "x")),
        *(("new/a::b", ""), ("new", "a::b"), ("new/a\nb", ""), ("new/a\tb", ""), ("new", "a\rb"), ("new/\0", "")),
        *(("new", "\ud800"), ("file:///new/what?/x", ""), ("s3://lake/what?", ""), ("s3://lake/files#", "")),
        *(("s3://lake/a::b", ""), ("s3://lake/a//b", ""), ("s3://lake/a", "/b"), ("s3://lake/", "a//b")),
    ],
)
def test_names_of_files_that_no_target_can_open_are_refused(root: str, prefix: str) -> None:
    (line,) = errors(GOOD | batches(storage={"root": root, "prefix": prefix}))
    assert line == (
        "batch_config.storage makes names of files that no target can open: root and prefix may have no ::, no // and "
        "no line break in them, a folder no ?, and none may end with #"
    )


def test_a_storage_of_another_kind_keeps_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "strip_protocol", lambda root: root)
    for root in ("s3://lake", "s3://lake/", "s3://lake/a b/100%/", "abfs://lake@account.example.com/ü"):
        assert errors(GOOD | batches(storage={"root": root, "prefix": "what? #"})) == []


@pytest.mark.parametrize("below", ["", "/a/b"])
def test_a_root_that_is_not_a_folder_is_refused(tmp_path: Path, below: str) -> None:
    path = tmp_path / "a file"
    path.touch()
    path.chmod(0o777)
    line = "batch_config.storage.root is not a folder that can be written to"
    assert errors(GOOD | batches(f"{path}{below}")) == [line]


def test_a_root_that_may_not_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == tmp_path and mode == os.W_OK | os.X_OK))
    line = "batch_config.storage.root is not a folder that can be written to"
    assert errors(GOOD | batches(str(tmp_path / "new"))) == [line]


@pytest.mark.parametrize(
    ("name", "definition", "stream"),
    [("people", {}, "people"), ("people", None, "people"), ("x", {"__source__": "people"}, "people"), ("c?", {}, "c?")],
)
def test_a_map_of_a_stream_that_does_not_exist_is_warned_of(name: str, definition: object, stream: str) -> None:
    settings = GOOD | {"stream_maps": {name: definition}}
    assert list(config.warnings(settings, SCHEMA)) == [
        f"stream_maps.{name} is ignored: there is no stream {stream}, only candidates"
    ]


@pytest.mark.parametrize(
    "stream_maps",
    [{"candidates": {}}, {"__else__": None}, {"people": {"__source__": "candidates"}}, {"*": {}}, {"cand*": None}],
    ids=repr,
)
def test_a_map_of_our_stream_is_not_warned_of(stream_maps: object) -> None:
    assert list(config.warnings(GOOD | {"stream_maps": stream_maps}, SCHEMA)) == []


# In the middle of a run


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (maps(email=f"nosuch(email, '{SEED}')"), ".candidates.email can't be used: FunctionNotDefined (nosuch)"),
        (maps(email="email + nosuch"), ".candidates.email can't be used: NameNotDefined (nosuch)"),
        (maps(email="email.nosuch"), ".candidates.email can't be used: AttributeDoesNotExist (nosuch)"),
        (maps(email="email + 5"), ".candidates.email can't be used: TypeError"),
        (maps(email="{}[email]"), ".candidates.email can't be used: KeyError"),
        (maps(__filter__="email > 5"), ".candidates.__filter__ can't be used: TypeError"),
        (maps(__alias__="people", x="1/0"), ".people.x can't be used: ZeroDivisionError"),
        (
            maps(__key_properties__=["x"]),
            " can't be used: Invalid key properties for 'candidates': [x]. Property 'x' was not detected in schema.",
        ),
    ],
)
def test_a_map_that_fails_is_named_without_what_it_was_given(
    api: Sandbox, read: Read, settings: dict[str, Any], said: str
) -> None:
    run = read(api, **settings)
    assert run.lines("ERROR") == [f"stream_maps{said}"]
    assert run.code == 1
    assert "Traceback" not in run.err
    assert SEED not in run.err
    assert "@" not in run.err


def test_a_folder_that_is_gone_is_named_with_the_setting(api: Sandbox, read: Read, tmp_path: Path) -> None:
    run = read(api, **batches(str(tmp_path), storage={"root": str(tmp_path), "prefix": "nosuch/"}))
    (line,) = run.lines("ERROR")
    assert line.startswith(f"batch_config can't be used: {tmp_path}")
    assert line.endswith(": No such file or directory")
    assert run.code == 1


def test_an_error_of_the_api_in_a_batch_is_not_blamed_on_the_batch(api: Sandbox, read: Read, tmp_path: Path) -> None:
    api.faults = {("interviewer-1", 2): "always:400"}
    (line,) = read(api, page_size=1, **batches(str(tmp_path))).lines("ERROR")
    assert line.startswith("Interviewer interviewer-1, page 2: 400 Bad Request")


@pytest.mark.parametrize(
    ("modules", "line"),
    [
        (["tap_interviewflow.streams", "singer_sdk.batch", "fsspec.core"], "batch_config can't be used: RuntimeError"),
        (["singer_sdk.batch", "singer_sdk.mapper", "simpleeval"], "stream_maps can't be used: RuntimeError"),
        (["singer_sdk.batch", "singer_sdk.mapper", "tap_interviewflow.reader"], None),
        (["singer_sdk.streams.core"], None),
    ],
    ids=["batch", "map", "tap", "SDK"],
)
def test_the_innermost_of_the_places_that_an_error_comes_through_is_blamed(
    modules: list[str], line: str | None
) -> None:
    def go_on() -> None:
        if inner is None:
            raise RuntimeError
        inner()

    inner: Callable[[], None] | None = None
    for module in reversed(modules):
        inner = FunctionType(go_on.__code__, {"__name__": module}, closure=(CellType(inner),))
    assert inner is not None
    with pytest.raises(RuntimeError) as raised:
        inner()
    assert cli._line_of_setting(raised.value) == line
