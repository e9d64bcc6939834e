"""dlt: ``dlt_rest_api.py URL KEY PAGE_SIZE INTERVIEWER extract|filesystem|duckdb|postgres [SOCKET_FOLDER]``.

It writes into the current directory, or into the PostgreSQL server that listens on a socket in a folder.
"""

import sys
from pathlib import Path

import dlt  # type: ignore[import-not-found]  # ty: ignore[import-not-found]
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]  # ty: ignore[import-not-found]

url, key, limit, interviewer_id, step, *place = sys.argv[1:]
source = rest_api_source(
    {
        "client": {
            "base_url": url,
            "auth": {"type": "api_key", "name": "X-API-KEY", "api_key": key, "location": "header"},
        },
        "resources": [
            {
                "name": "candidates",
                "primary_key": "id",
                "endpoint": {
                    "path": "api/external/fetch/candidates",
                    "method": "POST",
                    "json": {"interviewerId": interviewer_id, "limit": int(limit)},
                    "data_selector": "data.candidates",
                    "paginator": {
                        "type": "page_number",
                        "base_page": 1,
                        "page_body_path": "page",
                        "total_path": None,
                        "stop_after_empty_page": True,
                    },
                },
            }
        ],
    },
    max_table_nesting=0,
)
here = Path.cwd()
if step == "duckdb":
    destination = dlt.destinations.duckdb(str(here / "warehouse.duckdb"))
elif step == "postgres":
    destination = dlt.destinations.postgres(f"postgresql://postgres:any@localhost/postgres?host={place[0]}")
else:
    destination = dlt.destinations.filesystem(bucket_url=(here / "loaded").as_uri())
pipeline = dlt.pipeline(
    "benchmark", pipelines_dir=str(here / "work"), destination=destination, dataset_name="interviews"
)
if step == "extract":
    pipeline.extract(source)
else:
    pipeline.run(source, loader_file_format="jsonl" if step == "filesystem" else None).raise_on_failed_jobs()
