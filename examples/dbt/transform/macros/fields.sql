{# A field that discovery may or may not have found: its column, else what was rescued under its name. #}
{% macro field(table, name, type='text') %}
    {%- set columns = adapter.get_columns_in_relation(table) | map(attribute='name') | map('lower') | list -%}
    {%- set rescued = cast_if_valid(json_text(adapter.quote('_rescued_data'), name), type) -%}
    {%- if name | lower in columns -%}
        coalesce(cast({{ adapter.quote(name) }} as {{ sql_type(type) }}), {{ rescued }})
    {%- else -%}
        {{ rescued }}
    {%- endif -%}
{% endmacro %}

{# The columns that the setting custom_field_columns of the tap makes: additionalFields_City becomes custom_city. #}
{% macro custom_fields(table, prefix='additionalfields_') %}
    {%- for column in adapter.get_columns_in_relation(table) if column.name.lower().startswith(prefix) %},
    {{ adapter.quote(column.name) }} as {{ adapter.quote('custom_' ~ column.name.lower()[prefix | length:]) }}
    {%- endfor -%}
{% endmacro %}

{% macro sql_type(type) %}
    {{- {'text': 'text', 'number': 'double precision', 'time': 'timestamp'}[type] -}}
{% endmacro %}

{# What the warehouses say differently. #}

{% macro json_text(column, name) %}{{ return(adapter.dispatch('json_text')(column, name)) }}{% endmacro %}

{% macro duckdb__json_text(column, name) %}
    {#- A JSON pointer: a name that begins with $ would be a path. -#}
    {%- set pointer = '/' ~ name.replace('~', '~0').replace('/', '~1') -%}
    json_extract_string({{ column }}, {{ dbt.string_literal(dbt.escape_single_quotes(pointer)) }})
{%- endmacro %}

{% macro postgres__json_text(column, name) -%}
    ({{ column }} ->> {{ dbt.string_literal(dbt.escape_single_quotes(name)) }})
{%- endmacro %}

{% macro cast_if_valid(text, type) %}{{ return(adapter.dispatch('cast_if_valid')(text, type)) }}{% endmacro %}

{% macro duckdb__cast_if_valid(text, type) -%}
    {%- set value = 'try_cast(' ~ text ~ ' as ' ~ sql_type(type) ~ ')' -%}
    {%- if type == 'number' -%}
        {#- "NaN" and 1E+400 are numbers to it, that no average survives. -#}
        case when isfinite({{ value }}) then {{ value }} end
    {%- else -%}
        {{ value }}
    {%- endif -%}
{%- endmacro %}

{% macro postgres__cast_if_valid(text, type) -%}
    {%- if type == 'text' -%}
        {{ text }}
    {%- elif type == 'number' -%}
        case when {{ text }} ~ '^-?[0-9.]' and pg_input_is_valid({{ text }}, 'double precision')
            then {{ text }}::double precision end
    {%- else -%}
        {#- "yesterday" is a time to PostgreSQL. -#}
        case when {{ text }} ~ '^\d{4}-' and pg_input_is_valid({{ text }}, 'timestamptz')
            then {{ text }}::timestamptz at time zone 'UTC' end
    {%- endif -%}
{%- endmacro %}
