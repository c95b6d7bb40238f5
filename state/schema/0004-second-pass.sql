-- Where a first pass of two has copied a home, what comes next is the second one, which begins with quiesce.
DROP VIEW v_sums;

CREATE VIEW v_sums (migration, standing, steps_done, next_step, at, trouble) AS
SELECT
    step_standing.migration,
    CASE
        WHEN sum(kind = 'undo-failed') > 0 THEN 'stuck'
        WHEN sum(kind = 'failed') > 0 THEN 'failed'
        WHEN sum(kind = 'finished') = 7 THEN 'moved'
        WHEN sum(kind <> 'undo-finished') > 0 THEN 'underway'
        ELSE 'rolled-back'
    END,
    sum(kind = 'finished'),
    CASE
        WHEN sum(step = 'quiesce' AND kind = 'finished') = 0 THEN 'quiesce'
        WHEN sum(step = 'stage' AND kind = 'finished') = 0 THEN 'stage'
        WHEN sum(step = 'provision' AND kind = 'finished') = 0 THEN 'provision'
        WHEN sum(step = 'hydrate' AND kind = 'finished') = 0 THEN 'hydrate'
        WHEN sum(
            step = 'quiesce' AND kind = 'finished'
            AND (SELECT json_extract(detail, '$.put_off') FROM event WHERE sequence = step_standing.event)
        ) > 0 THEN 'quiesce'
        WHEN sum(step = 'verify' AND kind = 'finished') = 0 THEN 'verify'
        WHEN sum(step = 'flip' AND kind = 'finished') = 0 THEN 'flip'
        WHEN sum(step = 'confirm' AND kind = 'finished') = 0 THEN 'confirm'
    END,
    max(at),
    max(CASE WHEN kind IN ('failed', 'undo-failed') THEN event END)
FROM step_standing
GROUP BY migration;

INSERT OR REPLACE INTO migration_standing SELECT migration, standing, steps_done, next_step, at, trouble FROM v_sums;
