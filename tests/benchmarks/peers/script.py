"""What one would write in five minutes: ``script.py URL KEY PAGE_SIZE INTERVIEWER``, records to standard output."""

import itertools
import json
import sys

import requests

url, key, limit, interviewer_id = sys.argv[1:]
session = requests.Session()
session.headers["X-API-KEY"] = key
for page in itertools.count(1):
    body = {"interviewerId": interviewer_id, "page": page, "limit": int(limit)}
    response = session.post(f"{url}/api/external/fetch/candidates", json=body, timeout=60)
    response.raise_for_status()
    candidates = response.json()["data"]["candidates"]
    if not candidates:
        break
    for candidate in candidates:
        print(json.dumps(candidate))  # noqa: T201  # its way of writing
