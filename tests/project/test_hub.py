from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_interviewflow import __version__
from tap_interviewflow.config import SETTINGS, from_environment, validate
from tests.project import hub
from tests.runs import run_here

FILES = hub.files()
PLUGIN, DEFINITION, *_ = FILES
PROJECT = tomllib.loads((hub.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


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


@pytest.mark.parametrize("path", [DEFINITION, PLUGIN], ids=str)
def test_a_definition_has_one_secret_the_extras_and_no_version(path: Path) -> None:
    definition = yaml.safe_load(FILES[path])
    secret = [setting for setting in definition["settings"] if "sensitive" in setting]
    assert [(setting["name"], setting["kind"]) for setting in secret] == [("api_key", "password")]
    assert {extra for extra in EXTRAS if f"`{extra}`" in definition["usage"]} == EXTRAS.keys()
    name, source = definition["name"], definition["pip_url"]
    assert f"pip_url: {name}[{','.join(EXTRAS)}]{'' if source == name else f'@{source}'}\n" in definition["usage"]
    assert (hub.ROOT / hub.HUB / hub.LOGO).is_file()
    assert __version__ not in FILES[path], "each release would have to change it"


def test_all_addresses_of_the_project_are_in_the_repository() -> None:
    assert all(url.startswith(PROJECT["urls"]["Source"]) for url in PROJECT["urls"].values())


def test_the_example_of_a_dotenv_file_has_each_setting_with_a_value_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = FILES[Path(".env.example")]
    required = [f"TAP_INTERVIEWFLOW_{name.upper()}" for name in SETTINGS["required"]]
    assert re.findall(r"^TAP\w+", example, re.MULTILINE) == required
    assert "\n# API Key, required, secret\n" in example
    text = example.replace("#TAP", "TAP").replace("_API_KEY=\n", "_API_KEY=made-up\n")
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = from_environment(SETTINGS, "TAP_INTERVIEWFLOW_")
    names = list(SETTINGS["properties"])
    assert list(found) == names[: names.index("batch_config")]
    assert validate(found, SETTINGS) == []


def test_meltano_yml_has_the_capabilities_and_settings_of_the_tap(about: Any, plugin: Any) -> None:
    expected = {setting["name"]: setting for setting in hub.settings(about["settings"]["properties"])}
    assert {setting["name"]: setting for setting in plugin["settings"]} == expected
    assert plugin["capabilities"] == sorted(about["capabilities"])
    assert plugin["settings_group_validation"] == [about["settings"]["required"]]
