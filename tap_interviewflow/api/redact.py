"""What no line may show: the key in whatever spelling, and the addresses of people."""

from __future__ import annotations

import base64
import dataclasses
import logging
import re
import threading
import traceback
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from singer_sdk.metrics import Point
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HIDDEN: Final = "…"

MIN_SECRET: Final = 4
"""Shorter secrets are hidden only where they stand alone, and single characters and numbers of that length not at all:
a key that anybody can guess is not worth that "page 1" can't be read."""

_MAX_SPELT: Final = 256
_MAX_CAUSES: Final = 20

_ENTITIES: Final = {'"': "quot", "'": "apos", "&": "amp", "<": "lt", ">": "gt"}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,49}")

# Each run of what may stand before an at sign is read once, from its beginning, and nothing of it is given back: a
# text costs no more than its length. The at sign may be encoded for a URL, for HTML or for JSON.
_AT: Final = r"(?:[@\uff20]|%(?:25){0,3}40|&(?:amp;){0,2}(?:#0{0,6}64|#x0{0,6}40|commat);?|\\{1,4}(?:u00|x)40)"
_LOCAL: Final = r'[^\s"<>()\[\]{},;:@\uff20/=&]'
_EMAIL: Final = re.compile(
    rf"(?<!{_LOCAL})(?:(?!%(?:25){{0,3}}40|\\{{1,4}}(?:u00|x)40){_LOCAL})++[\";]?{_AT}\[?(?:[\w-]|\.(?=\w))++",
    re.IGNORECASE,
)


class Redactor:
    """Hides secrets and e-mail addresses in text, in a time that grows with its length and no faster."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets; empty ones are none."""
        self.secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._plain = _any_of(pattern for secret in self.secrets for pattern in _plain(secret))

    @cached_property
    def _encoded(self) -> re.Pattern[str]:
        # Made when the first text comes that may need it: most runs write none, and it takes its time.
        return _any_of(_encoded(secret) for secret in self.secrets if len(secret) >= MIN_SECRET)

    def clean(self, text: str) -> str:
        """Give a text in which each secret and each e-mail address is an ellipsis."""
        text = self._plain.sub(HIDDEN, text)
        if "%" in text or "&" in text or "\\" in text:
            text = self._encoded.sub(HIDDEN, text)
        return _EMAIL.sub(HIDDEN, text)


def plain_name(name: str) -> str:
    """Give the name of a JSON member as a line may show it: a person's name can be one, and is not shown."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    return f"(a name of {len(name)} {'character' if len(name) == 1 else 'characters'})"


def printable(text: str) -> str:
    """Give a stranger's text in one line that steers no terminal."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)


def _plain(secret: str) -> Iterator[str]:
    if len(secret) >= MIN_SECRET:
        yield re.escape(secret)
        yield from _in_base64(secret.encode())
    elif len(secret) > 1 and not secret.isdigit():
        yield rf"(?<!\w){re.escape(secret)}(?!\w)"


def _in_base64(secret: bytes) -> Iterator[str]:
    """Match what base64 makes of a secret wherever in a longer text it stands: one of three ways."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode()
        # The characters at the ends hold bits of the neighbours, too.
        whole = encoded[before and before + 1 : (before + len(secret)) * 8 // 6]
        spelt = re.escape(whole).replace(r"\+", r"(?:[+-]|%2B)").replace("/", r"(?:[/_]|%2F|\\/)")
        yield rf"{spelt}[A-Za-z0-9+/_-]?(?:=|%3D){{0,2}}"


def _encoded(secret: str) -> str:
    """Match a secret of which any part is encoded for a URL, for HTML or for JSON."""
    return "".join(map(_spelt, secret[:_MAX_SPELT])) + (r"[^\s\"'<>{}]*" if len(secret) > _MAX_SPELT else "")


def _spelt(character: str) -> str:
    ways = []
    for case in sorted({character.lower(), character.upper()}):
        ways.append("".join(f"%(?:25){{0,3}}{byte:02x}" for byte in case.encode()))
        if len(case) == 1:
            code = ord(case)
            ways.append(rf"&(?:amp;){{0,2}}#(?:0{{0,6}}{code}|x0{{0,6}}{code:x});?")
            ways.append(rf"\\{{1,4}}(?:u{code:04x}|x{code:02x})")
    if character in _ENTITIES:
        ways.append(rf"&(?:amp;){{0,2}}{_ENTITIES[character]};")
    if not character.isalnum():
        ways.append(rf"\\{{1,4}}{re.escape(character)}")
    if character == " ":
        ways.append("[+]")
    ways.append(re.escape(character))
    # Atomic: what begins like a secret, and is none, is given up at once instead of in all ways that it can be read.
    return f"(?>{'|'.join(ways)})"


_installing: Final = threading.Lock()


def install(secrets: Iterable[str]) -> None:
    """Put a redactor before every log record of every logger, or give the one that is there more to hide.

    Records are made in one place, whatever becomes of them: filters, formatters and handlers see them redacted. What
    was once a secret of this process stays one: two taps may run side by side.
    """
    with _installing:
        factory = logging.getLogRecordFactory()
        if isinstance(factory, _RecordFactory):
            factory.redactor = Redactor([*factory.redactor.secrets, *secrets])
        else:
            logging.setLogRecordFactory(_RecordFactory(factory, Redactor(secrets)))


def uninstall() -> None:
    """Undo ``install``."""
    with _installing:
        factory = logging.getLogRecordFactory()
        if isinstance(factory, _RecordFactory):
            logging.setLogRecordFactory(factory.before)


class _RecordFactory:
    def __init__(self, before: Callable[..., logging.LogRecord], redactor: Redactor) -> None:
        self.before = before
        self.redactor = redactor

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.before(*args, **kwargs)
        clean = _Cleaner(self.redactor.clean)
        if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], Point):
            # The SDK's filter of metrics and its JSON formatter look at the point itself.
            record.args = tuple(map(clean.value, record.args))
        else:
            record.msg = clean.message(record)
            record.args = None
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            record.exc_text = clean.text("".join(traceback.format_exception(error)).rstrip("\n"))
            # Without the frames, whose variables some formatters show.
            stand_in = clean.error(error)
            record.exc_info = (type(stand_in), stand_in, None)
        if record.stack_info:
            record.stack_info = clean.text(record.stack_info)
        record.__dict__ = _Fields(record.__dict__, clean)
        return record


class _Cleaner:
    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean

    def message(self, record: logging.LogRecord) -> str:
        try:
            return self._clean(record.getMessage())
        except Exception:  # noqa: BLE001  # logging would show the arguments that do not fit
            return f"{self.text(record.msg)} (with arguments that do not fit)"

    def text(self, value: object) -> str:
        try:
            return self._clean(str(value))
        except Exception:  # noqa: BLE001  # a stranger's __str__
            return f"(a {type(value).__name__} that can't be shown)"

    def value(self, value: Any) -> Any:  # noqa: ANN401
        match value:
            case None | bool() | int() | float() | Enum():
                return value
            case Point():
                return dataclasses.replace(value, value=self.value(value.value), tags=self.value(value.tags))
            case dict():
                return {self.value(name): self.value(member) for name, member in value.items()}
            case list() | tuple():
                return [self.value(member) for member in value]
            case _:
                return self.text(value)

    def error(self, error: BaseException, depth: int = 0) -> Exception:
        kind = type(error)
        stand_in: Exception = type(kind.__name__, (Exception,), {"__module__": kind.__module__})(self.text(error))
        if depth < _MAX_CAUSES:
            for name in ("__cause__", "__context__"):
                if before := getattr(error, name):
                    setattr(stand_in, name, self.error(before, depth + 1))
        return stand_in


class _Fields(dict[str, Any]):
    """The fields of a record; what a caller adds as ``extra`` comes after the record has been made."""

    def __init__(self, fields: dict[str, Any], clean: _Cleaner) -> None:
        super().__init__(fields)
        self._cleaner = clean

    @override
    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, self._cleaner.value(value))

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)
