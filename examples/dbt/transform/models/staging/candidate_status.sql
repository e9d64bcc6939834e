{{ config(materialized='ephemeral') }}

-- What the history is kept of, and nothing personal.
select candidate_key, interviewer_id, interview_id, status
from {{ ref('stg_interviewflow__candidates') }}
