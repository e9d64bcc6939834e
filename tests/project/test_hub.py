from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tap_interviewflow import __version__
from tap_interviewflow.config import SETTINGS, from_environment, validate
from tests.project import hub
from tests.runs import run_here

FILES = hub.files()
PLUGIN, DEFINITION, *_ = FILES
PROJECT = tomllib.loads((hub.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
URLS: dict[str, str] = PROJECT["urls"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

# What Meltano Hub demands of an extractor, in our words: its own schemas say no more of what is in our files.
TEXT, ADDRESS = {"type": "string", "minLength": 1}, {"type": "string", "pattern": "^https://[^ ]+$"}
KINDS = ["array", "boolean", "date_iso8601", "integer", "object", "password", "string"]
SETTING = {
    "type": "object",
    "required": ["name", "kind", "label", "description"],
    "properties": {**dict.fromkeys(("name", "label", "description", "placeholder"), TEXT), "kind": {"enum": KINDS}},
}
EXTRACTOR: dict[str, Any] = {
    "type": "object",
    "required": ["name", "namespace", "pip_url", "quality", "repo", "settings", "variant"],
    "properties": {
        **dict.fromkeys(("description", "executable", "label", "name", "namespace", "pip_url", "variant"), TEXT),
        **dict.fromkeys(("docs", "domain_url", "repo"), ADDRESS),
        "logo_url": {"type": "string", "pattern": r"^/assets/logos/extractors/[a-z-]+\.(svg|png)$"},
        "maintenance_status": {"enum": ["active", "beta", "development", "inactive", "unknown"]},
        "quality": {"enum": ["gold", "silver", "bronze", "unknown"]},
        "settings": {"type": "array", "items": SETTING},
        "supported_python_versions": {"type": "array", "items": {"pattern": r"^3\.\d+$"}},
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
    kept = [hub.ROOT / "plugin.yaml", hub.ROOT / ".env.example", *(hub.ROOT / hub.HUB / "_data").rglob("*.yml")]
    assert {path.relative_to(hub.ROOT): path.read_text("utf-8") for path in kept} == FILES, "run `make hub`"


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix in {".yml", ".yaml"}], ids=str)
def test_keys_are_sorted_and_sequences_not_indented(path: Path) -> None:
    assert FILES[path] == hub.dump(yaml.safe_load(FILES[path]))
    assert not re.search(r"^( *)[\w.-]+:\n\1 +- ", FILES[path], re.MULTILINE)


@pytest.mark.parametrize("path", [DEFINITION, PLUGIN], ids=str)
def test_the_definition_is_one_that_the_hub_takes(path: Path) -> None:
    definition = yaml.safe_load(FILES[path])
    assert [error.message for error in Draft7Validator(EXTRACTOR).iter_errors(definition)] == []
    names = [setting["name"] for setting in definition["settings"]]
    assert names == sorted(set(names))
    secret = [setting for setting in definition["settings"] if "sensitive" in setting]
    assert [(setting["name"], setting["kind"]) for setting in secret] == [("api_key", "password")]
    assert definition["repo"] == URLS["Source"]
    assert f"/{definition['variant']}/" in URLS["Source"].lower()
    assert {extra for extra in EXTRAS if f"`{extra}`" in definition["usage"]} == EXTRAS.keys()
    assert (hub.ROOT / hub.HUB / hub.LOGO).is_file()
    assert __version__ not in FILES[path], "each release would have to change it"
    name, source = definition["name"], definition["pip_url"]
    assert f"pip_url: {name}[{','.join(EXTRAS)}]{'' if source == name else f'@{source}'}\n" in definition["usage"]
    assert "replication-key: updatedAt\n" in definition["next_steps"], "a column that changes with updates"


def test_the_variant_is_named_in_the_entries_beside_the_definition() -> None:
    defaults, maintainers = (
        yaml.safe_load(FILES[hub.HUB / "_data" / f"{name}.yml"]) for name in ("default_variants", "maintainers")
    )
    assert defaults == {"extractors": {"tap-interviewflow": DEFINITION.stem}}
    assert maintainers.keys() == {DEFINITION.stem}


def test_the_address_of_the_repository_is_the_same_everywhere() -> None:
    source = URLS["Source"]
    assert {
        "Source": source,
        "Homepage": source,
        "Documentation": f"{source}#readme",
        "Changelog": f"{source}/blob/main/CHANGELOG.md",
        "Issues": f"{source}/issues",
    } == URLS
    assert f"pipx install git+{source}\n" in (hub.ROOT / "README.md").read_text("utf-8")


def test_the_example_of_a_dotenv_file_has_each_setting_with_a_value_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = FILES[Path(".env.example")].replace("#TAP", "TAP").replace("_API_KEY=", "_API_KEY=made-up")
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = from_environment(SETTINGS, "TAP_INTERVIEWFLOW_")
    names = list(SETTINGS["properties"])
    assert list(found) == names[: names.index("batch_config")]
    assert validate(found, SETTINGS) == []


def test_the_example_of_a_dotenv_file_asks_for_what_is_required_and_marks_the_secret() -> None:
    lines = FILES[Path(".env.example")].splitlines()
    asked = [line.partition("=")[0] for line in lines if line.startswith("TAP")]
    assert asked == [f"TAP_INTERVIEWFLOW_{name.upper()}" for name in SETTINGS["required"]]
    assert [line for line in lines if line.endswith("secret")] == ["# API Key, required, secret"]
    assert "TAP_INTERVIEWFLOW_API_KEY=" in lines, "it must not look as if it had a value"


def test_meltano_yml_has_the_capabilities_and_settings_of_the_tap(about: Any, plugin: Any) -> None:
    expected = {setting["name"]: setting for setting in hub.settings(about["settings"]["properties"])}
    assert {setting["name"]: setting for setting in plugin["settings"]} == expected
    assert plugin["capabilities"] == sorted(about["capabilities"])
    assert plugin["settings_group_validation"] == [about["settings"]["required"]]
