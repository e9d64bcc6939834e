"""No line shows the key, in whatever spelling, nor anybody's address, however the logging is set up."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import logging.handlers
import pickle
import queue
import random
import threading
import warnings
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.logging import ConsoleFormatter, StructuredFormatter
from singer_sdk.metrics import Metric, MetricExclusionFilter, Point
from singer_sdk.metrics import log as log_metric

from tap_interviewflow.api.redact import HIDDEN, Redactor, install, plain_name, printable, uninstall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk/Live+0 <AbC>=\"d\\e'f&9#"
PLAIN_KEY = "key-that-nobody-may-see"


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def base64_after(before: str, after: str) -> Callable[[str], str]:
    return lambda key: base64.b64encode(f"{before}{key}{after}".encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper": str.upper,
    "swapped": str.swapcase,
    "quoted": quote,
    "quoted, all": lambda key: quote(key, safe=""),
    "quoted, plus": quote_plus,
    "quoted, lower hex": percent,
    "quoted, upper hex": lambda key: percent(key).upper(),
    "quoted in part": lambda key: key[:5] + percent(key[5:8]) + key[8:],
    "quoted twice": lambda key: quote(quote(key, safe=""), safe=""),
    "upper, then quoted": lambda key: percent(key.upper()),
    "html": html.escape,
    "html twice": lambda key: html.escape(html.escape(key)),
    "html, decimal": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "html, hexadecimal": lambda key: "".join(f"&#X00{ord(letter):X};" for letter in key),
    "json": lambda key: json.dumps(key)[1:-1],
    "json twice": lambda key: json.dumps(json.dumps(key))[3:-3],
    "json, all escaped": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "json, slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "repr": lambda key: repr(key)[1:-1],
    "bytes": lambda key: repr(key.encode())[2:-1],
    "mixed": lambda key: percent(key[:4]) + html.escape(key[4:12]) + json.dumps(key[12:])[1:-1],
}
IN_BASE64: dict[str, Callable[[str], str]] = {
    **{f"after {len(before)}": base64_after(before, "") for before in ("", "u", "u:", "us:", "user")},
    **{f"between {count}": base64_after("x" * count, "ada" * count) for count in range(4)},
    "url-safe": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "without padding": lambda key: base64.urlsafe_b64encode(f"a{key}".encode()).decode().rstrip("="),
    "quoted": lambda key: quote(base64.b64encode(key.encode()).decode(), safe=""),
    "lower": lambda key: base64.b64encode(key.encode()).decode().lower(),
}


@pytest.mark.parametrize("key", [KEY, PLAIN_KEY, "1234", "a-b_c.d~e", "?" * 20, "x" * 70 + KEY, "a1-" * 100])
def test_a_key_is_hidden_however_it_is_spelt(key: str) -> None:
    redactor = Redactor([key])
    for name, spell in SPELLINGS.items():
        shown = redactor.clean(f"<p>{spell(key)}</p> {{{spell(key)}}}")
        assert shown == f"<p>{HIDDEN}</p> {{{HIDDEN}}}", name


@pytest.mark.parametrize("key", [KEY, PLAIN_KEY, "?" * 21, ">" * 22, "~" * 23])
def test_a_key_is_hidden_within_base64_wherever_it_stands(key: str) -> None:
    redactor = Redactor([key])
    for name, spell in IN_BASE64.items():
        shown = redactor.clean(f'"{spell(key)}"')
        assert HIDDEN in shown, name
        assert len(shown) < len(spell(key)) - len(key), name


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=4), st.text(), st.text())
def test_any_key_is_hidden_in_any_text(key: str, before: str, after: str) -> None:
    if key in before + after:
        return
    shown = Redactor([key]).clean(f"{before}{key}{after}")
    assert HIDDEN in shown
    assert key not in shown.replace(before, "", 1)


def test_several_secrets_are_hidden_and_one_within_another_leaves_nothing() -> None:
    assert Redactor(["", "abcd", "abcdefgh"]).clean("abcdefgh abcd") == f"{HIDDEN} {HIDDEN}"
    assert Redactor([]).clean("abcdefgh") == "abcdefgh"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("abc", f"a page of {HIDDEN}, page 12 of abcd and xabc"),
        ("a", "a page of abc, page 12 of abcd and xabc"),
        ("12", "a page of abc, page 12 of abcd and xabc"),
    ],
)
def test_a_key_of_a_few_characters_does_not_make_lines_useless(key: str, shown: str) -> None:
    assert Redactor([key]).clean("a page of abc, page 12 of abcd and xabc") == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "of ada@example.com.",
            "of ….",
        ),
        ("<zoë.müller+x@exämple.example.com>", "<…>"),
        ('{"email":"ada@example.com","x":"b@c"}', '{"email":"…","x":"…"}'),
        ("{'email': 'ada@example.com'}", "{'email': …'}"),
        ("q=ada%40example.com&x=1", "q=…&x=1"),
        ("q=zo%C3%AB%40example.com", "q=…"),
        ("q=ada%2540example.com", "q=…"),
        ("ada&#64;example.com ada&#x40;example.com ada&commat;example.com", "… … …"),
        ("ada\\u0040example.com zo\\u00eb@example.com", "… …"),
        ("ada\uff20example.com", "…"),
        ("ada@[127.0.0.1]", "…]"),
        ("岡田@例え.example.com", "…"),
        ("http://someone:something@127.0.0.1:1/", "http://someone:…:1/"),
        ("page @ 3, @override, 5 %40", "page @ 3, @override, 5 %40"),
    ],
)
def test_the_addresses_of_people_are_hidden(text: str, shown: str) -> None:
    assert Redactor([PLAIN_KEY]).clean(text) == shown


PIECES: tuple[str, ...] = (
    *(
        "a",
        "é",
        "@",
        "a@",
        "a.",
        "a@.",
        "a@[",
        "%",
        "%25",
        "%40",
        "a%40",
        "&",
        "&amp;",
        "&#0",
        "\\",
        "\\u004",
        "=@",
        "k",
        "%6",
    ),
    *(
        PLAIN_KEY[:-1],
        percent(PLAIN_KEY[:-1]),
        base64.b64encode(PLAIN_KEY.encode()).decode()[:-4],
        "…",
        "1@a ",
        '"',
    ),
)


@pytest.mark.timeout(30)
def test_a_long_text_takes_time_by_its_length_only() -> None:
    redactor = Redactor([PLAIN_KEY])
    for piece in PIECES:  # whatever grew with the square of the length would be at one of them for hours
        assert redactor.clean(piece * (2**17 // len(piece)))


@pytest.mark.timeout(30)
def test_a_long_text_of_all_that_is_looked_for_takes_time_by_its_length_only() -> None:
    dice = random.Random(0)  # noqa: S311
    text = "".join(dice.choice(PIECES) for _ in range(2**14))
    assert PLAIN_KEY not in Redactor([PLAIN_KEY]).clean(text)


@pytest.mark.timeout(30)
def test_a_key_that_can_be_read_in_many_ways_takes_no_longer() -> None:
    for piece in ("\\", "%25", "&amp;", "&amp", "%"):
        assert Redactor([piece * 40 + "x"]).clean(piece * 1000)


@pytest.mark.parametrize("name", ["id", "Manual_Score", "_x", "is-synced", "a" * 50])
def test_a_plain_name_is_shown(name: str) -> None:
    assert plain_name(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "(a name of 0 characters)"),
        ("é", "(a name of 1 character)"),
        ("Ada Lovelace", "(a name of 12 characters)"),
        ("ada@example.com", "(a name of 15 characters)"),
        ("4915112345678", "(a name of 13 characters)"),
        ("岡田", "(a name of 2 characters)"),
        ("id\n", "(a name of 3 characters)"),
        ("a" * 51, "(a name of 51 characters)"),
    ],
)
def test_a_name_that_may_be_a_persons_is_not_shown(name: str, shown: str) -> None:
    assert plain_name(name) == shown


def test_a_strangers_text_is_one_line_that_steers_no_terminal() -> None:
    assert printable("bad\r\n\x1b[31mfilter\u202e\x00 ") == "bad [31mfilter"


# In front of every log record


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    install([PLAIN_KEY])
    logger = logging.Logger("any", logging.DEBUG)  # noqa: LOG001  # of this test's own
    yield logger
    uninstall()
    assert logging.getLogRecordFactory() is logging.LogRecord


def shown_by(logger: logging.Logger, formatter: logging.Formatter) -> Callable[[], str]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return stream.getvalue


def kept_by(logger: logging.Logger) -> list[logging.LogRecord]:
    records: list[logging.LogRecord] = []

    def keep(record: logging.LogRecord) -> bool:
        records.append(record)
        return True

    logger.addFilter(keep)
    return records


FORMATTERS = {"console": ConsoleFormatter, "structured": StructuredFormatter, "plain": logging.Formatter}


class Careless:
    def __str__(self) -> str:
        return f"{PLAIN_KEY} of ada@example.com"


def fail() -> None:
    try:
        dict[str, str]()[f"{PLAIN_KEY} of ada@example.com"]
    except KeyError as error:
        message = "on behalf of ada@example.com"
        raise ValueError(message, PLAIN_KEY) from error


LINES: dict[str, Callable[[logging.Logger], None]] = {
    "message": lambda logger: logger.debug(f"with {PLAIN_KEY} of ada@example.com"),  # noqa: G004
    "arguments": lambda logger: logger.info("with %s of %r", PLAIN_KEY, "ada@example.com"),
    "argument": lambda logger: logger.warning("with %s", Careless()),
    "mapping": lambda logger: logger.warning("with %(key)s of %(who)s", {"key": PLAIN_KEY, "who": "ada@example.com"}),
    "object": lambda logger: logger.error(Careless()),
    "split": lambda logger: logger.error("with %s-that-nobody-may-see of ada%s", "key", "@example.com"),
    "wrong arguments": lambda logger: logger.error(f"{PLAIN_KEY} %d", "ada@example.com"),  # noqa: G004
    "extra": lambda logger: logger.error("line", extra={"a": PLAIN_KEY, "b": {"c": ["ada@example.com", Careless()]}}),
    "stack": lambda logger: logger.error("line", stack_info=bool("key-that-nobody-may-see")),
    "metric": lambda logger: log_metric(
        logger, Point("counter", Metric.RECORD_COUNT, 3, {"context": {"id": PLAIN_KEY}})
    ),
}


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("line", LINES)
def test_no_line_shows_a_secret(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], line: str, formatter: str
) -> None:
    shown = shown_by(logger, FORMATTERS[formatter]())
    LINES[line](logger)
    assert shown().count("\n") >= 1
    assert "nobody-may-see" not in shown()
    assert "@example.com" not in shown()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_a_traceback_is_shown_without_secrets(logger: logging.Logger, formatter: str) -> None:
    shown = shown_by(logger, FORMATTERS[formatter]())
    try:
        fail()
    except ValueError:
        logger.exception("failed")
    assert "nobody-may-see" not in shown()
    assert "@example.com" not in shown()
    if formatter == "structured":
        error = json.loads(shown())["exception"]
        assert (error["type"], error["module"]) == ("ValueError", "builtins")
        assert error["cause"]["message"] == "'… of …'"
    else:
        assert "Traceback (most recent call last):" in shown()
        assert "in fail" in shown()
        assert "KeyError: '… of …'" in shown()


def test_no_variable_of_a_frame_reaches_a_formatter_that_shows_them(logger: logging.Logger) -> None:
    records = kept_by(logger)
    try:
        fail()
    except ValueError:
        logger.exception("failed")
    (record,) = records
    assert record.exc_info
    _, error, trace = record.exc_info
    assert trace is None
    assert error is not None
    assert error.__traceback__ is None


def test_an_error_that_can_not_be_shown_does_not_stop_a_line(logger: logging.Logger) -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError(PLAIN_KEY)

    shown = shown_by(logger, ConsoleFormatter())
    logger.error("with %s", BrokenError(), exc_info=BrokenError())
    assert "with %s (with arguments that do not fit)" in shown()
    assert "nobody-may-see" not in shown()


def test_the_sdks_filter_and_formatter_still_know_a_metric(logger: logging.Logger) -> None:
    shown = shown_by(logger, StructuredFormatter())
    point = Point("timer", Metric.HTTP_REQUEST_DURATION, 0.5, {"stream": "candidates", "context": {"a": PLAIN_KEY}})
    log_metric(logger, point)
    logger.addFilter(MetricExclusionFilter(metrics=["http_request_duration"]))
    log_metric(logger, point)
    (line,) = shown().splitlines()
    assert json.loads(line)["metric_info"] == {
        "type": "timer",
        "metric": "http_request_duration",
        "value": 0.5,
        "tags": {"stream": "candidates", "context": {"a": HIDDEN}},
    }
    assert point.tags["context"] == {"a": PLAIN_KEY}


def test_a_line_with_a_percent_sign_is_shown_as_it_is(logger: logging.Logger) -> None:
    shown = shown_by(logger, logging.Formatter())
    logger.info("100 %s of %d %%", "%d", 3)
    logger.info("100 % done")
    assert shown() == "100 %d of 3 %\n100 % done\n"


def test_a_record_can_be_passed_on_to_another_process(logger: logging.Logger) -> None:
    passed: queue.Queue[logging.LogRecord] = queue.Queue()
    records = kept_by(logger)
    logger.addHandler(logging.handlers.QueueHandler(passed))
    logger.info("with %s", PLAIN_KEY, extra={"who": "ada@example.com"})
    for record in (passed.get(), pickle.loads(pickle.dumps(records[0]))):  # noqa: S301  # its own
        assert record.getMessage() == f"with {HIDDEN}"
        assert vars(record)["who"] == HIDDEN


def test_a_captured_warning_is_redacted_as_well(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    assert logger.name == "any"
    logging.captureWarnings(capture=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"with {PLAIN_KEY}", stacklevel=1)
    finally:
        logging.captureWarnings(capture=False)
    assert "nobody-may-see" not in caplog.text


def test_it_is_installed_once_hides_what_each_tap_of_the_process_adds_and_is_undone() -> None:
    before = logging.getLogRecordFactory()
    uninstall()
    assert logging.getLogRecordFactory() is before is logging.LogRecord
    install(["first-key"])
    installed = logging.getLogRecordFactory()
    install(["second-key"])
    assert logging.getLogRecordFactory() is installed
    made = logging.Logger("any").makeRecord("any", 20, "", 1, "first-key second-key", (), None)  # noqa: LOG001
    assert made.getMessage() == f"{HIDDEN} {HIDDEN}"
    uninstall()
    assert logging.getLogRecordFactory() is before
    uninstall()
    assert logging.getLogRecordFactory() is before


def test_threads_that_log_at_once_are_all_redacted(logger: logging.Logger) -> None:
    shown = shown_by(logger, logging.Formatter())

    def write() -> None:
        for _ in range(50):
            logger.info("with %s%%41", PLAIN_KEY)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shown() == f"with {HIDDEN}%41\n" * 400


def test_what_is_not_text_stays_what_it_is(logger: logging.Logger) -> None:
    records = kept_by(logger)
    logger.info("line", extra={"count": 3, "share": 0.5, "on": True, "none": None})
    assert {name: vars(records[0])[name] for name in ("count", "share", "on", "none")} == {
        "count": 3,
        "share": 0.5,
        "on": True,
        "none": None,
    }
