"""A target for SQLite that is the SDK's own, with upserts; run in an environment that has the SDK."""

import sqlite3
from decimal import Decimal
from typing import Any

from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget
from singer_sdk.typing import PropertiesList, Property, StringType
from typing_extensions import override


class Connector(SQLConnector):
    @override
    def get_sqlalchemy_url(self, config: dict[str, Any]) -> str:
        return f"sqlite:///{config['path']}"


class Sink(SQLSink[Connector]):
    connector_class = Connector

    @override
    def generate_insert_statement(self, full_table_name: Any, schema: dict[str, Any]) -> Any:
        statement: Any = super().generate_insert_statement(full_table_name, schema)
        return statement.prefix_with("or replace")


class TargetSqlite(SQLTarget):
    name = "target-sqlite"
    config_jsonschema = PropertiesList(Property("path", StringType, required=True)).to_dict()
    default_sink_class = Sink


sqlite3.register_adapter(Decimal, float)
TargetSqlite.cli()
