from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests import hub
from tests.runs import run_here

FILES = hub.files()
PLUGIN, DEFINITION, *_ = FILES

# What Meltano Hub demands of an extractor, in our words: its own schemas say no more of what is in our files.
TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT, "uniqueItems": True}
ADDRESS = {"type": "string", "pattern": "^https://[^ ]+$"}
SETTING = {
    "type": "object",
    "required": ["name", "kind", "label", "description"],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("name", "label", "description", "placeholder"), TEXT),
        "kind": {
            "enum": [
                "array",
                "boolean",
                "date_iso8601",
                "decimal",
                "integer",
                "object",
                "options",
                "password",
                "string",
            ]
        },
        "options": {"type": "array", "items": {"required": ["label", "value"], "additionalProperties": TEXT}},
        "sensitive": {"const": True},
        "value": True,
    },
    "if": {"properties": {"kind": {"const": "options"}}},
    "then": {"required": ["options"]},
    "else": {"not": {"required": ["options"]}},
}
CAPABILITIES = [
    *("about", "activate-version", "batch", "catalog", "discover", "log-based", "properties"),
    *("schema-flattening", "state", "stream-maps", "structured-logging", "test"),
]
EXTRACTOR: dict[str, Any] = {
    "type": "object",
    "required": ["name", "namespace", "pip_url", "quality", "repo", "settings", "variant"],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("description", "executable", "label", "name", "namespace", "pip_url"), TEXT),
        **dict.fromkeys(("next_steps", "prereq", "settings_preamble", "usage"), TEXT),
        **dict.fromkeys(("domain_url", "repo"), ADDRESS),
        "capabilities": {"type": "array", "items": {"enum": CAPABILITIES}, "uniqueItems": True},
        "keywords": TEXTS,
        "log_parser": {"const": "singer-sdk"},
        "logo_url": {"type": "string", "pattern": r"^/assets/logos/extractors/[a-z-]+\.(svg|png)$"},
        "maintenance_status": {"enum": ["active", "beta", "development", "inactive", "unknown"]},
        "quality": {"enum": ["gold", "silver", "bronze", "unknown"]},
        "settings": {"type": "array", "items": SETTING},
        "settings_group_validation": {"type": "array", "items": TEXTS},
        "supported_python_versions": {"type": "array", "items": {"pattern": r"^3\.\d+$"}},
        "variant": TEXT,
    },
}


@pytest.fixture(scope="module")
def about() -> Any:
    return json.loads(run_here("--about", "--format=json").out)


@pytest.fixture(scope="module")
def plugin() -> Any:
    """The tap as `meltano.yml` declares it."""
    project = yaml.safe_load((hub.ROOT / "meltano.yml").read_text("utf-8"))
    (extractor,) = project["plugins"]["extractors"]
    return extractor


def test_the_files_are_what_make_hub_writes() -> None:
    kept = [hub.ROOT / "plugin.yaml", *(hub.ROOT / hub.HUB / "_data").rglob("*.yml")]
    assert {path.relative_to(hub.ROOT): path.read_text("utf-8") for path in kept} == FILES, "run `make hub`"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_keys_are_sorted_and_sequences_not_indented(path: Any) -> None:
    text = FILES[path]
    assert_sorted(yaml.safe_load(text))
    assert not re.search(r"^( *)[\w.-]+:\n\1 +- ", text, re.MULTILINE)


def assert_sorted(value: object) -> None:
    if isinstance(value, dict):
        assert list(value) == sorted(value)
    if isinstance(value, (dict, list)):
        for member in value.values() if isinstance(value, dict) else value:
            assert_sorted(member)


@pytest.mark.parametrize("path", [DEFINITION, PLUGIN], ids=str)
def test_the_definition_is_one_that_the_hub_takes(path: Any) -> None:
    definition = yaml.safe_load(FILES[path])
    assert [error.message for error in Draft7Validator(EXTRACTOR).iter_errors(definition)] == []
    names = [setting["name"] for setting in definition["settings"]]
    assert names == sorted(set(names))


def test_only_the_key_is_a_secret() -> None:
    secret = [setting for setting in yaml.safe_load(FILES[DEFINITION])["settings"] if "sensitive" in setting]
    assert [(setting["name"], setting["kind"]) for setting in secret] == [("api_key", "password")]


def test_the_logo_is_a_small_drawing_without_text() -> None:
    logo = hub.ROOT / hub.HUB / hub.LOGO
    assert yaml.safe_load(FILES[DEFINITION])["logo_url"].endswith(logo.name)
    assert logo.stat().st_size < 5000
    assert set(re.findall(r"<(\w+)", logo.read_text("utf-8"))) <= {"svg", "title", "g", "path", "circle"}


def test_the_variant_is_named_in_the_entries_beside_the_definition() -> None:
    defaults, maintainers = (
        yaml.safe_load(FILES[hub.HUB / "_data" / f"{name}.yml"]) for name in ("default_variants", "maintainers")
    )
    assert defaults == {"extractors": {"tap-interviewflow": DEFINITION.stem}}
    assert maintainers.keys() == {DEFINITION.stem}


def test_meltano_yml_has_the_same_settings_as_the_tap(about: Any, plugin: Any) -> None:
    expected = list(hub.settings(about["settings"]["properties"], nested=False))
    told = {setting["name"]: setting for setting in plugin["settings"]}
    assert told == {setting["name"]: setting for setting in expected}


def test_meltano_yml_has_the_same_capabilities_and_required_settings_as_the_tap(about: Any, plugin: Any) -> None:
    assert plugin["capabilities"] == sorted(about["capabilities"])
    assert plugin["settings_group_validation"] == [about["settings"]["required"]]
