"""dlt: ``dlt_rest_api.py URL KEY PAGE_SIZE INTERVIEWER extract|run``, into the current directory."""

import sys
from pathlib import Path

import dlt  # type: ignore[import-not-found]  # ty: ignore[import-not-found]
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]  # ty: ignore[import-not-found]

url, key, limit, interviewer_id, step = sys.argv[1:]
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
destination = dlt.destinations.filesystem(bucket_url=(here / "loaded").as_uri())
pipeline = dlt.pipeline("benchmark", pipelines_dir=str(here / "work"), destination=destination, dataset_name="all")
if step == "extract":
    pipeline.extract(source)
else:
    pipeline.run(source, loader_file_format="jsonl").raise_on_failed_jobs()
