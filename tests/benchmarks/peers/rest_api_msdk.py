"""tap-rest-api-msdk, taught to POST: its settings know only GET."""

from tap_rest_api_msdk.streams import DynamicStream  # type: ignore[import-not-found]  # ty: ignore[import-not-found]
from tap_rest_api_msdk.tap import TapRestApiMsdk  # type: ignore[import-not-found]  # ty: ignore[import-not-found]

DynamicStream.rest_method = DynamicStream.http_method = "POST"
DynamicStream.payload_as_json = True
TapRestApiMsdk.cli()
