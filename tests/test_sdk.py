"""The SDK's own tests of a tap, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import get_tap_test_class

from tap_interviewflow.sandbox import Sandbox
from tap_interviewflow.tap import TapInterviewFlow
from tests.runs import config_for

if TYPE_CHECKING:
    from collections.abc import Iterator

# The SDK discovers the streams when it makes the class: the API has to be there before any fixture is.
_api = Sandbox({"interviewer-1": 120, "interviewer-2": 30})
_api.start()


@pytest.fixture(scope="module", autouse=True)
def _sandbox() -> Iterator[None]:
    yield
    _api.stop()


TestTapInterviewFlow = get_tap_test_class(
    TapInterviewFlow,
    config=config_for(_api, page_size=50),
    parse_env_config=False,
)
