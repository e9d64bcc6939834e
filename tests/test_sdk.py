"""The SDK's own tests of a tap, offline, and what a program gets that embeds the tap."""

from __future__ import annotations

import gc
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.helpers._batch import BatchConfig
from singer_sdk.singerlib import Catalog
from singer_sdk.testing import TapTestRunner, get_tap_test_class

from tap_interviewflow.tap import TapInterviewFlow
from tests.batch_files import batch_config, records_in
from tests.runs import catalog_of, config_for
from tests.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
# Odd ones, so that each column has a value: a test of the SDK warns where its first column has none.
api = Sandbox({"interviewer-1": 120, "interviewer-2": 30}, odd=True)

# The SDK discovers the streams when it makes the class, and the API does not listen before a test needs it: a catalog
# names them. What the tests run has none, and discovers.
TestTapInterviewFlow = get_tap_test_class(
    TapInterviewFlow,
    config={"api_key": api.key, "interviewer_ids": list(api.interviewers)},
    catalog=catalog_of(*api.candidates("interviewer-1")),
    parse_env_config=False,
)
delattr(TestTapInterviewFlow, "runner")
logging.setLogRecordFactory(logging.LogRecord)  # without the redactor


@pytest.fixture(scope="module")
def runner() -> Iterator[TapTestRunner]:
    with api:
        made = TapTestRunner(TapInterviewFlow, config_for(api, page_size=50), parse_env_config=False)
        made.sync_all()
        yield made
    logging.setLogRecordFactory(logging.LogRecord)  # without the redactor


# In a program of one's own


def test_a_catalog_of_a_program_is_corrected_and_a_path_in_its_place_or_that_of_the_state_is_refused() -> None:
    document = catalog_of()
    document["streams"][0]["schema"]["properties"].pop("id")
    config = {"api_key": "key", "interviewer_ids": ["one"]}
    for given in (document, Catalog.from_dict(document)):
        tap = TapInterviewFlow(config=config, catalog=given)
        assert "id" in tap.catalog["candidates"].schema.to_dict()["properties"]
    for name in ("catalog", "state"):
        paths: dict[str, Any] = {name: "a file"}
        with pytest.raises(ConfigurationError, match=rf"^the {name} has "):
            TapInterviewFlow(config=config, **paths)


def test_records_can_be_taken_one_by_one_or_in_batches_of_all_interviewers_or_of_one(tmp_path: Path) -> None:
    with Sandbox({"one": 25, "two": 3}) as sandbox:
        tap = TapInterviewFlow(config=config_for(sandbox))
        batches = tap.streams["candidates"].get_batches(BatchConfig.from_dict(batch_config(tmp_path)))
        assert [len(records_in(Path(url2pathname(urlparse(each).path)))) for _, (each,) in batches] == [28]
        assert len(list(tap.streams["candidates"].get_records(None))) == 28
        assert len(list(tap.streams["candidates"].get_records({"interviewerId": "two"}))) == 3


def test_a_tap_that_is_forgotten_leaves_no_thread_and_no_connection() -> None:
    before = set(threading.enumerate())  # other tests may hold on to a tap of theirs
    with Sandbox({"one": 250, "two": 30}) as sandbox:
        tap = TapInterviewFlow(config=config_for(sandbox))
        assert tap.catalog_dict
        fetchers = [each for each in threading.enumerate() if each.name.startswith("fetcher-") and each not in before]
        assert fetchers
        del tap
        gc.collect()
        for thread in fetchers:
            thread.join(10)
        assert not any(thread.is_alive() for thread in fetchers)
