{% test nothing_rescued(model, column_name) %}
select {{ column_name }} from {{ model }}
where {{ column_name }} is not null and cast({{ column_name }} as text) <> 'null'
{% endtest %}
