"""BigQuery: an emulator, and the target that loads into it."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tests.environments import environment
from tests.targets.warehouses import Warehouse, listening

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from tests.targets.pipelines import Row


class BigQuery(Warehouse):
    """A table of BigQuery's emulator."""

    environment = "target-bigquery"
    program = "load_bigquery.py"

    def __init__(self, folder: Path, server: BigQueryServer, **settings: Any) -> None:
        super().__init__(folder, settings)
        self._server = server
        # One for each test, since all of them share a server.
        self.dataset = re.sub(r"\W", "_", folder.name)

    def config(self) -> dict[str, Any]:
        standing = {"project": "sandbox", "dataset": self.dataset, "method": "batch_job"}
        return standing | {"denormalized": True, "upsert": True} | self.settings

    def surroundings(self) -> dict[str, str]:
        return {"BIGQUERY_EMULATOR_HOST": self._server.url}

    def rows(self) -> list[Row]:
        place = self.config()
        table = f"`{place['project']}.{place['dataset']}.candidates`"
        answer = self._server.ask(f"select * from {table}")  # noqa: S608  # a name of our own
        fields = answer["schema"]["fields"]
        return [
            {field["name"]: _bigquery_value(field, cell["v"]) for field, cell in zip(fields, row["f"], strict=True)}
            for row in answer["rows"]
        ]


def _bigquery_value(field: Mapping[str, str], value: Any) -> Any:
    """Parse a value of BigQuery's API, in which everything is text."""
    match field["type"], value:
        case _, None:
            return None
        case _, list():
            members = [member["v"] for member in value]
            return list(map(json.loads, members)) if field["name"] == "customQuestions" else members
        case "TIMESTAMP", _:
            return str(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(value)))
        case "JSON" | "FLOAT" | "INTEGER" | "BOOLEAN", _:
            return json.loads(value)
        case _:
            return value


@dataclass(frozen=True)
class BigQueryServer:
    """An emulator of BigQuery."""

    url: str

    def ask(self, query: str) -> dict[str, Any]:
        """Return the answer to a query."""
        asked = {"query": query, "useLegacySql": False, "maxResults": 10_000}
        answer = requests.post(f"{self.url}/bigquery/v2/projects/sandbox/queries", json=asked, timeout=60)
        parsed: dict[str, Any] = answer.json()
        return parsed


@contextmanager
def serving_bigquery() -> Generator[BigQueryServer]:
    """Run the emulator."""
    with listening(environment("bqemulator") / "python", Path(__file__).parent / "serve_bigquery.py") as port:
        yield BigQueryServer(f"http://127.0.0.1:{port}")
