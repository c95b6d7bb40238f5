-- Gates that somebody opened. A gate stays open for every plan of this journal.
CREATE TABLE gate (
    sequence INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    opener TEXT NOT NULL,
    note TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

-- What people ask the journal for with `sqlite3 journal.db`. Views may get columns, and lose none.

-- Everyone of the plan that was drawn up last, in the order in which batches run.
CREATE VIEW v_people AS
SELECT
    plan.id AS plan,
    batch.key AS batch_number,
    json_extract(batch.value, '$.name') AS batch,
    json_extract(one.value, '$.id') AS migration,
    json_extract(one.value, '$.domain') AS domain,
    json_extract(one.value, '$.profile') AS profile,
    json_extract(one.value, '$.space') AS space,
    json_extract(one.value, '$.volume_gb') AS volume_gb,
    json_extract(one.value, '$.bytes') AS bytes
FROM
    (SELECT id, body FROM plan ORDER BY sequence DESC LIMIT 1) AS plan,
    json_each(plan.body, '$.batches') AS batch,
    json_each(batch.value, '$.migrations') AS one;

-- The last event of every step of every migration that carries its standing.
CREATE VIEW v_steps AS
SELECT event.migration, event.step, event.kind, event.at, event.detail
FROM event
JOIN (
    SELECT max(sequence) AS sequence
    FROM event
    WHERE migration IS NOT NULL
      AND kind IN ('started', 'finished', 'failed', 'undo-started', 'undo-finished', 'undo-failed')
    GROUP BY migration, step
) AS last USING (sequence);

-- Where everyone stands, in the words of `studio-migrate status`.
CREATE VIEW v_progress AS
SELECT
    person.plan, person.batch_number, person.batch, person.migration, person.domain, person.profile,
    CASE
        WHEN seen.stuck > 0 THEN 'stuck'
        WHEN seen.failed > 0 THEN 'failed'
        WHEN seen.finished = 7 THEN 'moved'
        WHEN seen.touched > 0 THEN 'underway'
        WHEN seen.undone > 0 THEN 'rolled-back'
        ELSE 'waiting'
    END AS standing,
    seen.finished AS steps_done,
    seen.at AS last_event_at
FROM v_people AS person
LEFT JOIN (
    SELECT
        migration,
        sum(kind = 'undo-failed') AS stuck,
        sum(kind = 'failed') AS failed,
        sum(kind = 'finished') AS finished,
        sum(kind <> 'undo-finished') AS touched,
        sum(kind = 'undo-finished') AS undone,
        max(at) AS at
    FROM v_steps
    GROUP BY migration
) AS seen ON seen.migration = person.migration;

-- What failed and was not mended yet.
CREATE VIEW v_failures AS
SELECT
    person.batch, person.migration, step.step, step.at,
    json_extract(step.detail, '$.message') AS why,
    json_extract(step.detail, '$.hint') AS hint
FROM v_people AS person
JOIN v_steps AS step ON step.migration = person.migration
WHERE step.kind IN ('failed', 'undo-failed');

-- Every batch of the plan that was drawn up last, and how far it is.
CREATE VIEW v_batches AS
SELECT
    plan, batch_number, batch,
    count(*) AS people,
    sum(standing = 'moved') AS moved,
    sum(standing = 'failed') AS failed,
    sum(standing = 'underway') AS underway,
    sum(standing = 'waiting') AS waiting,
    sum(standing = 'rolled-back') AS rolled_back,
    sum(standing = 'stuck') AS stuck
FROM v_progress
GROUP BY plan, batch_number, batch
ORDER BY batch_number;
