"""One Meltano run for each Interviewer, on Airflow: own state, own retries, no more requests than the API takes.

README.md beside this file says what to set up: a connection, a pool and a Meltano project.
"""

import json
import os
import shlex
from datetime import timedelta

from airflow.sdk import Connection, dag, task

# A slot of the pool is one request in flight. Each task takes as many as its tap may send.
POOL = "interviewflow"
IN_FLIGHT = 4

# Meltano has an environment of its own: Airflow's dependencies and the tap's must not decide each other's versions.
MELTANO = os.environ.get("MELTANO", "meltano")
LOADER = os.environ.get("LOADER", "target-jsonl")

ENVIRONMENT = {
    # Rendered when the task runs: the key is in the task's environment, and never in a command line, an XCom or a log.
    "TAP_INTERVIEWFLOW_API_KEY": "{{ conn.interviewflow.password }}",
    "TAP_INTERVIEWFLOW_API_URL": "{{ conn.interviewflow.host or 'https://api.interviewflowai.com' }}",
    "TAP_INTERVIEWFLOW_MAX_PARALLEL_REQUESTS": str(IN_FLIGHT),
    # A run of one Interviewer would have the target delete the candidates of all others.
    "TAP_INTERVIEWFLOW_EMIT_ACTIVATE_VERSION_MESSAGES": "false",
}


@dag(schedule="@hourly", catchup=False, max_active_runs=1, tags=["interviewflow"])
def load_candidates() -> None:
    """Load the candidates of all Interviewers."""

    @task
    def interviewers() -> list[str]:
        """Name the Interviewers, of which each gets a task."""
        ids: list[str] = Connection.get("interviewflow").extra_dejson["interviewer_ids"]
        return ids

    @task.bash(
        env=ENVIRONMENT,
        append_env=True,
        cwd=os.environ.get("MELTANO_PROJECT", "."),
        execution_timeout=timedelta(hours=2),
        map_index_template="{{ task.op_kwargs['interviewer_id'] }}",
        pool=POOL,
        pool_slots=IN_FLIGHT,
        retries=2,
        retry_delay=timedelta(seconds=int(os.environ.get("RETRY_DELAY", "300"))),
        do_xcom_push=False,
    )
    def load(interviewer_id: str) -> str:
        """Load the candidates of one Interviewer; a second try goes on from the state of the first."""
        ids = json.dumps([interviewer_id])
        command = [MELTANO, "el", "tap-interviewflow", LOADER, f"--state-id=candidates-{interviewer_id}"]
        return f"TAP_INTERVIEWFLOW_INTERVIEWER_IDS={shlex.quote(ids)} exec {shlex.join(command)}"

    load.expand(interviewer_id=interviewers())


load_candidates()
