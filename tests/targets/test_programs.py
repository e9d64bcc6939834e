"""Programs that read the tap's output without being targets, in environments of their own."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.environments import environment
from tests.runs import write
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Read

pytestmark = [pytest.mark.targets, pytest.mark.timeout(900)]

HELD = {"interviewer-1": 130, "interviewer-2": 25}


@pytest.mark.parametrize("odd", [False, True], ids=["ordinary", "odd"])
def test_singer_check_tap_finds_the_output_valid(read: Read, tmp_path: Path, *, odd: bool) -> None:
    with Sandbox(HELD, odd=odd) as api:
        out = read(api).out
    # By standard input: it waits for ever for a tap that it has started itself.
    checked = _piped(out, tmp_path, str(environment("singer-tools") / "singer-check-tap"))
    assert "The output is valid." in checked
    assert "155 record messages" in checked


def test_a_mapper_passes_every_message_through(read: Read, tmp_path: Path) -> None:
    with Sandbox(HELD, odd=True) as api:
        run = read(api)
    config = write(tmp_path / "mapper.json", {"stream_maps": {}})
    mapped = _piped(
        run.out, tmp_path, str(environment("meltano-map-transform") / "meltano-map-transform"), "--config", config
    )
    messages = [json.loads(line) for line in mapped.splitlines()]
    assert Counter(message["type"] for message in messages) == {"SCHEMA": 1, "RECORD": 155, "STATE": 1}
    sent = [json.loads(line) for line in run.out.splitlines()]
    assert [message["record"] for message in messages if message["type"] == "RECORD"] == [
        message["record"] for message in sent if message["type"] == "RECORD"
    ]


def _piped(text: str, folder: Path, *command: str) -> str:
    ended = subprocess.run(command, check=False, cwd=folder, input=text.encode(), capture_output=True, timeout=120)
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode()
