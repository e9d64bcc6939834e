"""BigQuery: an emulator, and the target that loads into it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tests.environments import environment
from tests.targets.warehouses import Warehouse, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

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


class BigQueryServer:
    """An emulator of BigQuery."""

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [
            str(environment("bqemulator") / "python"),
            str(Path(__file__).parent / "serve_bigquery.py"),
            str(port),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)

    def ask(self, query: str) -> dict[str, Any]:
        """Return the answer to a query."""
        asked = {"query": query, "useLegacySql": False, "maxResults": 10_000}
        answer = requests.post(f"{self.url}/bigquery/v2/projects/sandbox/queries", json=asked, timeout=60)
        parsed: dict[str, Any] = answer.json()
        return parsed
