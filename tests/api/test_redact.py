"""No log line shows the key, however it is spelled, or an e-mail address, whoever logs it and whatever formats it."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.logging import ConsoleFormatter, StructuredFormatter
from singer_sdk.metrics import Metric, MetricExclusionFilter, Point
from singer_sdk.metrics import log as log_metric

from tap_interviewflow.api.redact import HIDDEN, Redactor, install, plain_name, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk/Live+0 <AbC>=\"d\\e'f&9#"
PLAIN_KEY = "key-that-nobody-may-see"


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def base64_between(before: str, after: str = "") -> Callable[[str], str]:
    return lambda key: base64.b64encode(f"{before}{key}{after}".encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "swapped": str.swapcase,
    "quoted": quote,
    "quoted, all": lambda key: quote(key, safe=""),
    "quoted, plus": quote_plus,
    "quoted, each character": percent,
    "html": html.escape,
    "html, decimal": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "html, hexadecimal": lambda key: "".join(f"&#X00{ord(letter):X};" for letter in key),
    "json": lambda key: json.dumps(key)[1:-1],
    "json, all escaped": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "json, slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "mixed": lambda key: percent(key[:4]) + html.escape(key[4:12]) + json.dumps(key[12:])[1:-1],
}
IN_BASE64: dict[str, Callable[[str], str]] = {
    **{f"between {count}": base64_between("x" * count, "ada" * count) for count in range(5)},
    "url-safe": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "without padding": lambda key: base64.urlsafe_b64encode(f"a{key}".encode()).decode().rstrip("="),
    "quoted": lambda key: quote(base64.b64encode(key.encode()).decode(), safe=""),
    "lower": lambda key: base64.b64encode(key.encode()).decode().lower(),
}


@pytest.mark.parametrize("key", [KEY, PLAIN_KEY, "1234", "a-b_c.d~e", "?" * 20, "a%25b", "x" * 70 + KEY, "a1-" * 100])
def test_a_key_is_hidden_however_it_is_spelled(key: str) -> None:
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


@given(st.text(min_size=4), st.text(), st.text())
def test_any_key_is_hidden_in_any_text(key: str, before: str, after: str) -> None:
    if key in before + after:
        return
    shown = Redactor([key]).clean(f"{before}{key}{after}")
    assert HIDDEN in shown
    assert key not in shown.replace(before, "", 1)


def test_several_secrets_are_hidden_and_one_within_another_leaves_nothing() -> None:
    assert Redactor(["", "abcd", "abcdefgh"]).clean("abcdefgh abcd") == f"{HIDDEN} {HIDDEN}"
    assert Redactor([]).clean("abcdefgh") == "abcdefgh"
    assert Redactor(["a-key-\udcff"]).clean("of a-key-\udcff") == f"of {HIDDEN}"  # as a variable that is no UTF-8


def test_a_key_of_three_characters_is_hidden_as_a_word_so_that_lines_can_be_read() -> None:
    assert Redactor(["abc"]).clean("a page of abc, of abcd and xabc") == f"a page of {HIDDEN}, of abcd and xabc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("of ada@example.com.", "of …."),
        ("<zoë.müller+x@exämple.example.com>", "<…>"),
        ('{"email":"ada@example.com","x":"b@c"}', '{"email":"…","x":"…"}'),
        ("q=ada%40example.com&x=1", "q=…&x=1"),
        ("q=zo%C3%AB%2540example.com", "q=…"),
        ("%40ada@example.com", "%40…"),
        ("ada&#64;example.com ada&#x40;example.com ada&commat;example.com", "… … …"),
        ("ada\\u0040example.com zo\\u00eb@example.com", "… …"),
        ("ada\uff20example.com", "…"),
        ("page @ 3, @override, 5 %40", "page @ 3, @override, 5 %40"),
    ],
)
def test_e_mail_addresses_are_hidden(text: str, shown: str) -> None:
    assert Redactor([PLAIN_KEY]).clean(text) == shown


SHORT = r'a é @ a@ a. a@. a@[ % %25 %40 a%40 & &amp; &#0 \ \u004 =@ k %6 … 0 "'
PIECES = [*SHORT.split(), "1@a ", PLAIN_KEY[:-1], percent(PLAIN_KEY[:-1]), base64_between("")(PLAIN_KEY)[:-4]]


@pytest.mark.timeout(30)
def test_a_long_text_takes_time_by_its_length_only() -> None:
    redactor = Redactor([PLAIN_KEY])
    for piece in PIECES:  # whatever grew with the square of the length would be at one of them for hours
        assert redactor.clean(piece * (2**16 // len(piece)))
        assert redactor.clean("a&#" + piece * (2**16 // len(piece)))
    for piece in ("\\", "%25", "&amp;", "&amp", "%"):  # a key that can be read in many ways
        for text in (piece, "%25", "&amp;", "\\"):
            assert Redactor([piece * 40 + "x"]).clean(text * 4000)


def test_a_name_is_shown_where_it_is_a_plain_identifier_and_else_its_length() -> None:
    for name in ("id", "Manual_Score", "_x", "is-synced", "a" * 50):
        assert plain_name(name) == name
    assert plain_name("é") == "(a name of 1 character)"
    for name in ("", "Ada Lovelace", "ada@example.com", "4915112345678", "id\n", "a" * 51):
        assert plain_name(name) == f"(a name of {len(name)} characters)"


def test_untrusted_text_becomes_one_line_that_steers_no_terminal() -> None:
    assert printable("bad\r\n\x1b[31mfilter\u202e\x00 ") == "bad [31mfilter"


# In front of every log record


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    factory = logging.getLogRecordFactory()
    install([PLAIN_KEY])
    yield logging.Logger("any", logging.DEBUG)  # noqa: LOG001  # of this test's own
    logging.setLogRecordFactory(factory)


def shown_by(logger: logging.Logger, formatter: logging.Formatter) -> Callable[[], str]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return stream.getvalue


class Careless:
    def __str__(self) -> str:
        return f"{PLAIN_KEY} of ada@example.com"


class BrokenError(Exception):
    def __str__(self) -> str:
        raise RuntimeError(PLAIN_KEY)


def fail(logger: logging.Logger) -> None:
    try:
        try:
            dict[str, str]()[f"{PLAIN_KEY} of ada@example.com"]
        except KeyError as error:
            message = "on behalf of ada@example.com"
            raise ValueError(message, PLAIN_KEY) from error
    except ValueError:
        logger.exception("failed")


POINT = Point("timer", Metric.HTTP_REQUEST_DURATION, 0.5, {"stream": "candidates", "context": {"id": PLAIN_KEY}})
FORMATTERS = {"console": ConsoleFormatter, "structured": StructuredFormatter}
LINES: dict[str, Callable[[logging.Logger], None]] = {
    "message": lambda logger: logger.debug(f"with {PLAIN_KEY} of ada@example.com"),  # noqa: G004
    "arguments": lambda logger: logger.info("with %s of %r", PLAIN_KEY, "ada@example.com"),
    "argument": lambda logger: logger.warning("with %s", Careless()),
    "mapping": lambda logger: logger.warning("with %(key)s of %(who)s", {"key": PLAIN_KEY, "who": "ada@example.com"}),
    "object": lambda logger: logger.error(Careless()),
    "split": lambda logger: logger.error("with %s-that-nobody-may-see of ada%s", "key", "@example.com"),
    "wrong arguments": lambda logger: logger.error(f"{PLAIN_KEY} %d", "ada@example.com"),  # noqa: G004
    "broken": lambda logger: logger.error("with %s", BrokenError(), exc_info=BrokenError()),
    "exception": fail,
    "metric": lambda logger: log_metric(logger, POINT),
}


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("line", LINES)
def test_no_line_shows_a_secret(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], line: str, formatter: str
) -> None:
    shown = shown_by(logger, FORMATTERS[formatter]())  # a handler that was added later than the redactor
    LINES[line](logger)
    assert shown()
    assert "nobody-may-see" not in shown()
    assert "@example.com" not in shown()
    assert ("KeyError" in shown()) is (line == "exception")
    assert capsys.readouterr().err == ""


def test_the_sdks_filter_and_formatter_still_know_a_metric(logger: logging.Logger) -> None:
    shown = shown_by(logger, StructuredFormatter())
    log_metric(logger, POINT)
    logger.addFilter(MetricExclusionFilter(metrics=["http_request_duration"]))
    log_metric(logger, POINT)
    (line,) = shown().splitlines()
    assert json.loads(line)["metric_info"] == {
        "type": "timer",
        "metric": "http_request_duration",
        "value": 0.5,
        "tags": {"stream": "candidates", "context": {"id": HIDDEN}},
    }


def test_what_is_secret_for_one_tap_of_a_process_stays_so_when_there_is_another(logger: logging.Logger) -> None:
    shown = shown_by(logger, logging.Formatter())
    install(["second-key"])
    logger.info("with %s and second-key, 100 %% of %s", PLAIN_KEY, "%d")
    assert shown() == f"with {HIDDEN} and {HIDDEN}, 100 % of %d\n"
