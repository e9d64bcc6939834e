select
    interviewer_id,
    coalesce(status, 'unknown') as stage,
    cast({{ dbt.date_trunc('week', 'created_at') }} as date) as week,
    count(*) as candidates,
    avg(score) as average_score
from {{ ref('stg_interviewflow__candidates') }}
group by 1, 2, 3
