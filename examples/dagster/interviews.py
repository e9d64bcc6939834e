"""One Meltano run for each Interviewer, on Dagster: own state, own retries, no more at a time than the API takes.

Set INTERVIEWERS to a JSON list of the Interviewers' IDs and MELTANO_PROJECT to the folder of `meltano.yml`, then

    dagster dev -f examples/dagster/interviews.py
"""

import json
import os
import subprocess
from collections.abc import Iterator

from dagster import (
    Definitions,
    DynamicOut,
    DynamicOutput,
    OpExecutionContext,
    RetryPolicy,
    ScheduleDefinition,
    job,
    multiprocess_executor,
    op,
)

# Each run asks the API four times at once (the tap's max_parallel_requests): twelve in all.
AT_A_TIME = 3


@op(out=DynamicOut(str))
def interviewers() -> Iterator[DynamicOutput[str]]:
    """Name the Interviewers: one task for each of them."""
    for number, interviewer_id in enumerate(json.loads(os.environ["INTERVIEWERS"]), 1):
        yield DynamicOutput(interviewer_id, mapping_key=f"interviewer_{number}")


@op(retry_policy=RetryPolicy(max_retries=2, delay=float(os.environ.get("RETRY_DELAY", "60"))))
def load(context: OpExecutionContext, interviewer_id: str) -> None:
    """Load the candidates of one Interviewer; a second try goes on from the state of the first."""
    command = ["meltano", "el", "tap-interviewflow", os.environ.get("LOADER", "target-jsonl")]
    run = subprocess.run(
        [*command, f"--state-id={interviewer_id}"],
        check=False,
        cwd=os.environ.get("MELTANO_PROJECT"),
        env=os.environ | {"TAP_INTERVIEWFLOW_INTERVIEWER_IDS": json.dumps([interviewer_id])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    context.log.info(run.stdout)
    if run.returncode:
        message = f"Interviewer {interviewer_id}: Meltano ended with {run.returncode}"
        raise RuntimeError(message)


@job(executor_def=multiprocess_executor.configured({"max_concurrent": AT_A_TIME}))
def load_candidates() -> None:
    """Load the candidates of all Interviewers."""
    interviewers().map(load)


definitions = Definitions(
    jobs=[load_candidates],
    schedules=[ScheduleDefinition(job=load_candidates, cron_schedule="@hourly")],
)
