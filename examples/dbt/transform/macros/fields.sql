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

{# A column for each custom field that any candidate has. Names that differ only in case or signs share one. #}
{% macro custom_fields(table, column='additionalFields', number_fields=var('custom_number_fields')) %}
    {%- set columns = {} -%}
    {%- set names = run_query(names_in(table, adapter.quote(column))).columns[0] if execute else [] -%}
    {%- for name in names -%}
        {%- set alias = 'custom_' ~ modules.re.sub('\\W+', '_', name | lower) -%}
        {%- do columns.setdefault(alias, []).append(
            cast_if_valid(json_text(adapter.quote(column), name), 'number' if name in number_fields else 'text')
        ) -%}
    {%- endfor -%}
    {%- for alias, values in columns.items() %},
    coalesce({{ values | join(', ') }}, null) as {{ adapter.quote(alias) }}
    {%- endfor -%}
{% endmacro %}

{% macro sql_type(type) %}
    {{- {'text': 'text', 'number': 'double precision', 'time': 'timestamp'}[type] -}}
{% endmacro %}

{# What the warehouses say differently. #}

{% macro names_in(table, column) %}{{ return(adapter.dispatch('names_in')(table, column)) }}{% endmacro %}

{% macro duckdb__names_in(table, column) %}
    select distinct unnest(json_keys({{ column }})) as name
    from {{ table }} where json_type({{ column }}) = 'OBJECT' order by name
{% endmacro %}

{% macro postgres__names_in(table, column) %}
    select distinct jsonb_object_keys({{ column }}) as name
    from {{ table }} where jsonb_typeof({{ column }}) = 'object' order by name
{% endmacro %}

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
