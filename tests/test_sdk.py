"""The SDK's own tests of a tap, offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import TapTestRunner, get_tap_test_class

from tap_interviewflow.api import redact
from tap_interviewflow.sandbox import Sandbox
from tap_interviewflow.tap import TapInterviewFlow
from tests.runs import catalog_of, config_for

if TYPE_CHECKING:
    from collections.abc import Iterator

api = Sandbox({"interviewer-1": 120, "interviewer-2": 30})

# The SDK discovers the streams when it makes the class, and the API does not listen before a test needs it: a catalog
# names them. What the tests run has none, and discovers.
TestTapInterviewFlow = get_tap_test_class(
    TapInterviewFlow,
    config={"api_key": api.key, "interviewer_ids": list(api.interviewers)},
    catalog=catalog_of(*api.candidates("interviewer-1")),
    parse_env_config=False,
)
delattr(TestTapInterviewFlow, "runner")
redact.uninstall()


@pytest.fixture(scope="module")
def runner() -> Iterator[TapTestRunner]:
    with api:
        made = TapTestRunner(TapInterviewFlow, config_for(api, page_size=50), parse_env_config=False)
        made.sync_all()
        yield made
    redact.uninstall()
