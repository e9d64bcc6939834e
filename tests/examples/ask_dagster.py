"""Tell what Dagster has done, and what the schedule would do, as one line of JSON; run in Dagster's environment."""

import json
import sys
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

dagster: Any = import_module("dagster")  # by name, since the tests' own environment has no such thing

sys.path.insert(0, sys.argv[1])
example: Any = import_module("definitions")
CANDIDATES = dagster.AssetKey(["interviewflow", "candidates"])

with dagster.DagsterInstance.get() as instance:
    loads = instance.fetch_materializations(CANDIDATES, limit=100).records
    repository = example.definitions.get_repository_def()
    moment = dagster.build_schedule_context(instance, datetime(2026, 3, 2, 8, tzinfo=UTC), repository_def=repository)
    told = {
        "at a time": [
            instance.event_log_storage.get_concurrency_info(step.op.pool).slot_count
            for step in (example.candidates, example.models)
        ],
        "scheduled": [request.partition_key for request in example.hourly.evaluate_tick(moment).run_requests],
        "partitions": instance.get_dynamic_partitions("interviewers"),
        "runs": [run.status.value for run in instance.get_runs()],
        "loaded": {
            record.partition_key: {name: value.value for name, value in record.asset_materialization.metadata.items()}
            for record in loads
        },
        "assets": ["/".join(key.path) for key in instance.all_asset_keys()],
        "tried again": [
            run.tags["dagster/partition"]
            for run in instance.get_runs()
            for _ in instance.all_logs(run.run_id, of_type=dagster.DagsterEventType.STEP_UP_FOR_RETRY)
        ],
    }
sys.stdout.write(json.dumps(told))
