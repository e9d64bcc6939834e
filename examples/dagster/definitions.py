"""The candidates as an asset with a partition for each Interviewer, loaded by Meltano, and the dbt models behind it."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

MELTANO_PROJECT = Path(os.environ.get("MELTANO_PROJECT", Path(__file__).parent.parent / "dbt"))
LOADER = os.environ.get("LOADER", "target-duckdb")
RETRY_DELAY = float(os.environ.get("RETRY_DELAY", "60"))
POOL = "interviewflow"  # its limit is in dagster.yaml

interviewers = dg.DynamicPartitionsDefinition(name="interviewers")


@dg.asset(
    key=["interviewflow", "candidates"],  # what dbt calls its source
    partitions_def=interviewers,
    pool=POOL,
    retry_policy=dg.RetryPolicy(max_retries=2, delay=RETRY_DELAY, backoff=dg.Backoff.EXPONENTIAL),
    kinds={"meltano"},
)
def candidates(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The candidates of one Interviewer; each has a state of its own."""
    interviewer = context.partition_key
    state = f"--state-id=candidates-{interviewer}"
    metrics: dict[str, dict[str, Any]] = {}
    with subprocess.Popen(
        ["meltano", "--log-format=json", "el", "tap-interviewflow", LOADER, state],  # noqa: S607 - the one of the PATH
        cwd=MELTANO_PROJECT,
        env=os.environ | {"TAP_INTERVIEWFLOW_INTERVIEWER_IDS": json.dumps([interviewer])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as meltano:
        for line in meltano.stdout or ():
            try:
                entry = json.loads(line)
            except ValueError:  # a traceback, or a target's own log
                entry = {"event": line.rstrip()}
            if metric := entry.get("metric_info"):
                metrics[metric["metric"]] = metric
            else:
                context.log.log(entry.get("level", "info").upper(), entry["event"])
    written = metrics.get("candidates_written")  # there is none if the load failed before it had read anything
    metadata = (
        {"dagster/partition_row_count": written["value"], "verdict": written["tags"]["verdict"]} if written else {}
    )
    if meltano.returncode:  # also after an incomplete read: what came is loaded, and a retry reads all of it again
        raise dg.Failure(f"Interviewer {interviewer}: Meltano ended with {meltano.returncode}", metadata=metadata)
    return dg.MaterializeResult(metadata=metadata)


@dg.sensor(target=candidates, default_status=dg.DefaultSensorStatus.RUNNING)
def listed_interviewers(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Make a partition of each Interviewer in INTERVIEWERS and load it; drop those that are not listed any more."""
    listed = json.loads(os.environ["INTERVIEWERS"])
    known = context.instance.get_dynamic_partitions("interviewers")
    new = [interviewer for interviewer in listed if interviewer not in known]
    gone = [interviewer for interviewer in known if interviewer not in listed]
    return dg.SensorResult(
        dynamic_partitions_requests=[interviewers.build_add_request(new), interviewers.build_delete_request(gone)],
        run_requests=[dg.RunRequest(partition_key=interviewer) for interviewer in new],
    )


@dg.schedule(target=candidates, cron_schedule="@hourly")
def hourly(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Load every Interviewer; to be turned on by hand."""
    hour = context.scheduled_execution_time.isoformat()
    known = context.instance.get_dynamic_partitions("interviewers")
    return [dg.RunRequest(run_key=f"{hour} {interviewer}", partition_key=interviewer) for interviewer in known]


class WhenLoaded(DagsterDbtTranslator):
    """The models follow the candidates, as soon as no load is under way."""

    def get_automation_condition(self, _: Mapping[str, Any]) -> dg.AutomationCondition:
        """Return the same condition for all models."""
        return dg.AutomationCondition.eager()


dbt_project = DbtProject(MELTANO_PROJECT / "transform")
dbt_project.prepare_if_dev()


@dbt_assets(manifest=dbt_project.manifest_path, dagster_dbt_translator=WhenLoaded(), pool=POOL)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build and test the models of the dbt example."""
    yield from dbt.cli(["build"], context=context).stream()


definitions = dg.Definitions(
    assets=[candidates, models],
    executor=dg.in_process_executor,  # each run is one step
    resources={"dbt": DbtCliResource(dbt_project)},
    schedules=[hourly],
    sensors=[
        listed_interviewers,
        dg.AutomationConditionSensorDefinition(
            "follow_candidates", target=dg.AssetSelection.all(), default_status=dg.DefaultSensorStatus.RUNNING
        ),
    ],
)
