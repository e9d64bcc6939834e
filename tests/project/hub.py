"""Write what describes the settings elsewhere (make hub).

That is the listing on Meltano Hub, `plugin.yaml` for `meltano add --from-ref`, and `.env.example`.
"""

from __future__ import annotations

import json
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.runs import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parent.parent.parent
HUB = Path(".github", "hub")
LOGO = Path("static", "assets", "logos", "extractors", "interviewflow.svg")

# What `--about` can't know.

EXAMPLES = {
    "interviewer_ids": '["interviewer-1", "interviewer-2"]',
    "interview_ids": '["interview-1"]',
    "additional_fields": '{"Manual Score": 50, "review": "yes"}',
    "start_date": "2026-01-31",
    "records_jsonpath": "$.data.candidates",
    "user_agent": "example-pipeline/1.0",
}
LISTING = {
    "description": "AI interviews of job candidates",
    "domain_url": "https://docs.interviewflowai.com/platform/api-integration/fetch-api",
    "executable": "tap-interviewflow",
    "keywords": ["api", "candidates", "hr", "interviews", "meltano_sdk", "recruiting"],
    "label": "InterviewFlowAI",
    "log_parser": "singer-sdk",
    "maintenance_status": "beta",
    "namespace": "tap_interviewflow",
    "pip_url": "tap-interviewflow",
    "quality": "silver",
}
PREREQ = """\
- An API key of your InterviewFlowAI account: in the dashboard under API Keys.
- The ID of each Interviewer whose candidates you want: on the Interviewer's Integrations tab.
"""
PREAMBLE = """\
Give lists and objects as JSON, such as `["interviewer-1", "interviewer-2"]` for `interviewer_ids`.

In `additional_fields` a number is a minimum and a text must match exactly, so `50` and `"50"` are different filters.
A dot in the name of a custom field has to be escaped, since Meltano takes it for nesting: `"Level 2\\\\.1"`.
"""
NEXT_STEPS = """\
1. Set `api_key` and `interviewer_ids`.
2. Read the candidates into a file of JSON lines:

   ```bash
   meltano add target-jsonl
   meltano run tap-interviewflow target-jsonl
   ```

Every run writes all candidates. To write only what is new or has changed, add to the extractor in `meltano.yml`:

```yaml
metadata:
  candidates:
    replication-method: INCREMENTAL
    replication-key: updatedAt
```

If your candidates have no `updatedAt`, take another column that changes with every update. `createdAt` does not: with
it, changes of older candidates are never written.

If an Interviewer's list can't be read completely, what came is written, and the run ends with 1: run it again.
"""
ENVIRONMENT = """\
# The settings of the tap, for `--config ENV` and for Meltano. Copy this file to `.env`, which is never committed, and
# let nobody but you read it (chmod 600 .env). Lists and objects are JSON. What begins with #TAP may be left out.
"""
USAGE = """\
## Columns

The stream `candidates` has the fields that the API documents, and every further one that a sample of your candidates
shows. What fits into no column, such as a field that appeared since, is kept in the column `_rescued_data`, and a
warning names it: `meltano run --refresh-catalog tap-interviewflow ...` makes a column of it.

## Extras

What needs more packages is an extra of the package: `faker` for `fake` in `stream_maps`, `s3` for batches in S3. Name
the extras that you need in the extractor's `pip_url` in `meltano.yml`:

```yaml
pip_url: {extras}
```

## Try it without an account

The package comes with a made-up API on your own machine:

```bash
.meltano/extractors/tap-interviewflow/venv/bin/tap-interviewflow-sandbox --port 8765
```

Set `api_url` to `http://127.0.0.1:8765`, `api_key` to `sandbox-key` and `interviewer_ids` to `["interviewer-1"]`.
"""


def files() -> dict[Path, str]:
    """The text of each file, by its path in this repository."""
    about = json.loads(run_here("--about", "--format=json").out)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    repo = project["urls"]["Source"]
    name = about["name"]
    variant = repo.split("/")[-2].lower()
    plugin = LISTING | {
        "capabilities": sorted(about["capabilities"]),
        "docs": project["urls"]["Documentation"],
        "name": name,
        "next_steps": NEXT_STEPS,
        "prereq": PREREQ,
        "repo": repo,
        "settings": sorted(settings(about["settings"]["properties"]), key=lambda setting: str(setting["name"])),
        "settings_group_validation": [sorted(about["settings"]["required"])],
        "settings_preamble": PREAMBLE,
        "supported_python_versions": about["supported_python_versions"],
        "usage": USAGE.format(extras=f"{name}[faker,s3]"),
        "variant": variant,
    }
    logo = "/" + LOGO.relative_to("static").as_posix()
    # Who takes the definition from the repository gets the tap from there, too: it needs no release.
    source = f"git+{repo}"
    from_repository = plugin | {"pip_url": source, "usage": USAGE.format(extras=f"{name}[faker,s3]@{source}")}
    data = HUB / "_data"
    documents: dict[Path, object] = {
        Path("plugin.yaml"): from_repository,
        data / "meltano" / "extractors" / name / f"{variant}.yml": plugin | {"logo_url": logo},
        data / "default_variants.yml": {"extractors": {name: variant}},
        data / "maintainers.yml": {variant: {"label": variant, "name": variant, "url": repo.rpartition("/")[0]}},
    }
    texts = {path: dump(document) for path, document in documents.items()}
    return texts | {Path(".env.example"): environment(about["settings"])}


def environment(schema: Mapping[str, Any]) -> str:
    """An example of a `.env` with the tap's own settings; those of the SDK come after them."""
    names = list(schema["properties"])
    return "\n".join([ENVIRONMENT, *(variable(name, schema) for name in names[: names.index("batch_config")])])


def variable(name: str, schema: Mapping[str, Any]) -> str:
    """The lines of a `.env` for a setting: what it is, and its default or an example."""
    definition = schema["properties"][name]
    notes = {"required": name in schema["required"], "secret": definition.get("secret")}
    title = ", ".join([definition["title"], *(note for note, holds in notes.items() if holds)])
    default = definition.get("default")
    value = EXAMPLES.get(name, "") if default is None else default if isinstance(default, str) else json.dumps(default)
    quoted = f"'{value}'" if set(value) & set(' "$') else value
    sign = "" if notes["required"] else "#"
    described = textwrap.fill(definition["description"], 120, initial_indent="# ", subsequent_indent="# ")
    return f"# {title}\n{described}\n{sign}TAP_INTERVIEWFLOW_{name.upper()}={quoted}\n"


def settings(properties: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Describe settings in Meltano's way; its own tool would guess their kinds, by words such as `key` in a name."""
    for name, definition in properties.items():
        (type_name,) = (each for each in definition["type"] if each != "null")
        kind = "date_iso8601" if definition.get("format") == "date-time" else type_name
        setting = {
            "name": name,
            "label": definition["title"],
            "description": definition["description"],
            "kind": "password" if definition.get("secret") else kind,
        }
        if "default" in definition:
            setting["value"] = definition["default"]
        if name in EXAMPLES:
            setting["placeholder"] = EXAMPLES[name]
        if definition.get("secret"):
            setting["sensitive"] = True
        yield setting


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
    return node


_Dumper.add_representer(str, _represent_text)


def dump(document: object) -> str:
    """Write YAML as the Hub's linter wants it: keys sorted, sequences not indented."""
    return str(yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=True, width=100))


def main() -> None:
    """Write the files, and remove those of a former name."""
    texts = files()
    for stale in {path.relative_to(ROOT) for path in (ROOT / HUB / "_data").rglob("*.yml")} - texts.keys():
        (ROOT / stale).unlink()
    for path, text in texts.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
