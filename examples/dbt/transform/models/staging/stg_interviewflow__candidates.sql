{%- set candidates = source('interviewflow', 'candidates') -%}

select
    "interviewerId" || '/' || id as candidate_key,
    "interviewerId" as interviewer_id,
    id as interview_id,
    name,
    email,
    {{ field(candidates, 'status') }} as status,
    {{ field(candidates, 'createdAt', 'time') }} as created_at,
    {{ field(candidates, 'interviewedAt', 'time') }} as interviewed_at,
    {{ field(candidates, 'updatedAt', 'time') }} as updated_at,
    {{ field(candidates, 'score', 'number') }} as score,
    {{ field(candidates, 'trustScore', 'number') }} as trust_score,
    {{ field(candidates, 'durationSeconds', 'number') }} as duration_seconds,
    to_json(skills) as skills,
    "additionalFields" as additional_fields
    {{- custom_fields(candidates) }},
    "_rescued_data" as rescued_data,
    "_sdc_extracted_at" as extracted_at
from {{ candidates }}
