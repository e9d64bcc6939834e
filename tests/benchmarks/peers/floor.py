"""The least that any tap has to do: ``floor.py URL KEY PAGE_SIZE INTERVIEWER``.

libcurl for the requests, a compiled decoder and encoder that keep every digit, no schema, and nothing else.
"""

import io
import itertools
import sys
from decimal import Decimal

import msgspec
import pycurl  # type: ignore[import-untyped]  # ty: ignore[import-not-found]

url, key, limit, interviewer_id = sys.argv[1:]
decoder = msgspec.json.Decoder(float_hook=Decimal)
encoder = msgspec.json.Encoder(decimal_format="number")
curl = pycurl.Curl()
curl.setopt(pycurl.URL, f"{url}/api/external/fetch/candidates")
curl.setopt(pycurl.HTTPHEADER, [f"X-API-KEY: {key}", "Content-Type: application/json"])
with open(1, "wb", buffering=0, closefd=False) as output:
    for page in itertools.count(1):
        body = io.BytesIO()
        curl.setopt(pycurl.WRITEDATA, body)
        curl.setopt(
            pycurl.POSTFIELDS, encoder.encode({"interviewerId": interviewer_id, "page": page, "limit": int(limit)})
        )
        curl.perform()
        candidates = decoder.decode(body.getbuffer())["data"]["candidates"]
        if not candidates:
            break
        output.write(encoder.encode_lines(candidates))
