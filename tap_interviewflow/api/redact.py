"""Redaction of log lines: the key, however it is spelled, and e-mail addresses."""

from __future__ import annotations

import base64
import dataclasses
import logging
import re
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.metrics import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    _Make = Callable[..., logging.LogRecord]

HIDDEN: Final = "…"
_MIN_SECRET: Final = 4

_LEVELS: Final = {"singer_sdk.mapper": "WARNING", "singer_sdk.singerlib.catalog": "INFO", "botocore": "INFO"}
"""Below these levels, loggers show what a stream map makes of a candidate, names of fields, and credentials of S3."""

_ENTITIES: Final = {'"': "quot", "'": "apos", "&": "amp", "<": "lt", ">": "gt"}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,49}")

# Each run of what may stand before an at sign is read once, from its beginning, and nothing of it is given back: a
# text costs no more than its length. The at sign may be encoded for a URL, for HTML or for JSON.
_AT: Final = r"(?:[@\uff20]|%(?:25){0,3}40|&(?:#0{0,3}64|#x0{0,3}40|commat);?|\\{1,4}u0040)"
_LOCAL: Final = r'[^\s"<>()\[\]{},;:@\uff20/=&]'
_EMAIL: Final = re.compile(
    rf"(?:(?<!{_LOCAL})|(?<=%40))(?:(?!{_AT}){_LOCAL})++[\";]?{_AT}\[?(?:[\w-]|\.(?=\w))++", re.IGNORECASE
)


class Redactor:
    """Hides secrets and e-mail addresses in text, in a time that grows with its length and no faster."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Ignore empty secrets."""
        self.secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        patterns = map("|".join, map(_spellings, self.secrets))
        self._pattern = re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)

    def clean(self, text: str) -> str:
        """Replace each secret and each e-mail address in a text by an ellipsis."""
        return _EMAIL.sub(HIDDEN, self._pattern.sub(HIDDEN, text))


def plain_name(name: str) -> str:
    """Return the name of a JSON member for a log line; only its length unless it is a plain identifier.

    It can be the name of a person.
    """
    return name if _PLAIN_NAME.fullmatch(name) else f"(a name of {count_of(len(name), 'character')})"


def count_of(count: int, noun: str) -> str:
    """Return a number with its noun: «1 page», «3,600 candidates»."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Convert untrusted text to one line without control characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _spellings(secret: str) -> Iterator[str]:
    """Generate patterns of a secret, any part of which may be encoded for a URL, HTML or JSON, and of its base64."""
    if len(secret) < _MIN_SECRET:  # only as a word of its own: otherwise hardly a line could be read
        yield rf"(?<!\w){re.escape(secret)}(?!\w)"
        return
    yield re.escape(secret)
    # Atomic: what begins like a secret, and is none, is given up at once instead of in all ways that it can be read.
    yield "".join(f"(?>{'|'.join(_spelled(character))})" for character in secret)
    content = secret.encode(errors="surrogatepass")
    for before in range(3):  # wherever in a longer text it stands; the characters at the ends hold bits of others, too
        encoded = base64.b64encode(bytes(before) + content).decode()
        whole = re.escape(encoded[before and before + 1 : (before + len(content)) * 8 // 6])
        yield whole.replace(r"\+", "(?:[+-]|%2B)").replace("/", r"(?:[/_]|%2F|\\/)") + "[A-Za-z0-9+/_-]?=*+"


def _spelled(character: str) -> Iterator[str]:
    for each in dict.fromkeys(character.lower() + character.upper()):
        yield "".join(f"%{byte:02x}" for byte in each.encode(errors="surrogatepass"))
        yield rf"&#(?:0{{0,3}}{ord(each)}|x0{{0,3}}{ord(each):x});?|\\u{ord(each):04x}"
    if name := _ENTITIES.get(character):
        yield f"&{name};"
    if not character.isalnum():
        yield rf"\\{re.escape(character)}"
    yield r"[ +]" if character == " " else re.escape(character)


def install(secrets: Iterable[str]) -> None:
    """Redact every log record of this process where it is made, before any handler sees it."""
    for name, level in _LEVELS.items():
        logging.getLogger(name).setLevel(level)
    make = logging.getLogRecordFactory()
    if isinstance(make, partial) and make.func is _redacted:  # earlier secrets stay secret: another tap may run
        make, redactor = make.args
        secrets = [*redactor.secrets, *secrets]
    logging.setLogRecordFactory(partial(_redacted, make, Redactor(secrets)))


def _redacted(make: _Make, redactor: Redactor, *args: Any, **kwargs: Any) -> logging.LogRecord:
    record = make(*args, **kwargs)
    if isinstance(record.args, tuple) and record.args and isinstance(point := record.args[0], Point):
        # The SDK's filter of metrics and its JSON formatter look at the point itself.
        record.args = (dataclasses.replace(point, tags=_cleaned(point.tags, redactor)),)
        return record
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001  # logging would show the arguments that do not fit
        message = "(a line with arguments that do not fit)"
    if record.exc_info and record.exc_info[1]:  # in the message, as some formatters show the variables of its frames
        message += "\n" + "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    record.msg = redactor.clean(message)
    record.args = record.exc_info = None
    return record


def _cleaned(value: Any, redactor: Redactor) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {name: _cleaned(member, redactor) for name, member in value.items()}
    return redactor.clean(value) if isinstance(value, str) else value
