"""What a tap for the same API looks like when it is written as the SDK's template has it: the measure of the others.

It does what most taps do: a typed schema, pages one after another until one is empty, the SDK's own way of a
record. It obeys no rule of this tap's contract beyond that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.pagination import PageNumberPaginator
from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.streams.rest import HTTPRequest, PageContext


_TEXT = ("interviewerId", "jobId", "name", "email", "status", "resumeUrl")
_TIMES = ("createdAt", "updatedAt", "interviewedAt")
_NUMBERS = ("score", "trustScore", "durationSeconds")
_OBJECTS = ("additionalFields", "metadata", "report")
_OPEN = th.ObjectType(additional_properties=True)


class _Candidates(RESTStream[int]):
    name = "candidates"
    path = "/api/external/fetch/candidates"
    http_method = "POST"
    records_jsonpath = "$.data.candidates[*]"
    primary_keys = ("id",)
    schema = th.PropertiesList(
        th.Property("id", th.StringType, required=True),
        *(th.Property(name, th.StringType) for name in _TEXT),
        *(th.Property(name, th.DateTimeType) for name in _TIMES),
        *(th.Property(name, th.NumberType) for name in _NUMBERS),
        *(th.Property(name, _OPEN) for name in _OBJECTS),
        th.Property("skills", th.ArrayType(th.StringType)),
        th.Property("customQuestions", th.ArrayType(_OPEN)),
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"])

    @property
    @override
    def authenticator(self) -> APIKeyAuthenticator:
        return APIKeyAuthenticator(key="X-API-KEY", value=self.config["api_key"], location="header")

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        return [{"interviewerId": interviewer_id} for interviewer_id in self.config["interviewer_ids"]]

    @override
    def get_new_paginator(self) -> PageNumberPaginator:
        return PageNumberPaginator(1)  # the SDK stops by itself after a page without records

    @override
    def get_http_request(self, *, page: PageContext[int]) -> HTTPRequest:
        request = super().get_http_request(page=page)
        request.data = {**(page.stream_context or {}), "page": page.next_page_token, "limit": self.config["page_size"]}
        return request


class PlainTap(Tap):
    """A tap of the plain kind."""

    name = "tap-plain"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("api_key", th.StringType, required=True, secret=True),
        th.Property("interviewer_ids", th.ArrayType(th.StringType), required=True),
        th.Property("page_size", th.IntegerType, default=100),
    ).to_dict()

    @override
    def discover_streams(self) -> list[_Candidates]:
        return [_Candidates(tap=self)]


class PlainTapWithMsgSpec(PlainTap):
    """The same with the faster writer that the SDK offers."""

    message_writer_class = MsgSpecWriter
