"""Run the BigQuery target; in its own environment."""

from importlib import import_module
from typing import Any

auth: Any = import_module("google.auth")
credentials = import_module("google.auth.credentials").AnonymousCredentials()
# Stands for signing in with Google, which an emulator has no use for and the target has no setting to leave out.
auth.default = lambda *_, **__: (credentials, None)
import_module("target_bigquery.target").TargetBigQuery.cli()
