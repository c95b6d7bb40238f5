-- Gates that somebody opened. A gate stays open for every plan of this journal.
CREATE TABLE gate (
    sequence INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    opener TEXT NOT NULL,
    note TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

-- What is asked of plans all the time, so that nobody reads a hundred thousand people for it.
ALTER TABLE plan ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE plan ADD COLUMN region TEXT NOT NULL DEFAULT '';
ALTER TABLE plan ADD COLUMN callers INTEGER NOT NULL DEFAULT 1;
UPDATE plan SET
    account = coalesce(json_extract(body, '$.account'), ''),
    region = coalesce(json_extract(body, '$.region'), ''),
    callers = coalesce(json_extract(body, '$.playbook.approvals.callers'), 1);

-- Everyone of every plan: what its body says, a row a person.
CREATE TABLE planned (
    plan TEXT NOT NULL REFERENCES plan (id),
    position INTEGER NOT NULL,
    batch_number INTEGER NOT NULL,
    batch TEXT NOT NULL,
    migration TEXT NOT NULL,
    domain TEXT NOT NULL,
    profile TEXT NOT NULL,
    space TEXT NOT NULL,
    volume_gb INTEGER NOT NULL,
    bytes INTEGER,
    PRIMARY KEY (plan, position)
) STRICT, WITHOUT ROWID;

INSERT INTO planned
SELECT
    plan.id,
    row_number() OVER (PARTITION BY plan.id ORDER BY batch.key, one.key),
    batch.key,
    json_extract(batch.value, '$.name'),
    json_extract(one.value, '$.id'),
    json_extract(one.value, '$.domain'),
    json_extract(one.value, '$.profile'),
    json_extract(one.value, '$.space'),
    json_extract(one.value, '$.volume_gb'),
    json_extract(one.value, '$.bytes')
FROM plan, json_each(plan.body, '$.batches') AS batch, json_each(batch.value, '$.migrations') AS one;

-- The last event of every step of every migration that carries its standing. The events are the truth; this is kept with them,
-- in the same transaction, so that nobody reads them all to say where everyone stands.
CREATE TABLE step_standing (
    migration TEXT NOT NULL,
    step TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    event INTEGER NOT NULL REFERENCES event (sequence),
    PRIMARY KEY (migration, step)
) STRICT, WITHOUT ROWID;

-- What the steps of a migration come to.
CREATE TABLE migration_standing (
    migration TEXT PRIMARY KEY,
    standing TEXT NOT NULL,
    steps_done INTEGER NOT NULL,
    next_step TEXT,
    at TEXT NOT NULL,
    trouble INTEGER
) STRICT, WITHOUT ROWID;

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
        WHEN sum(step = 'verify' AND kind = 'finished') = 0 THEN 'verify'
        WHEN sum(step = 'flip' AND kind = 'finished') = 0 THEN 'flip'
        WHEN sum(step = 'confirm' AND kind = 'finished') = 0 THEN 'confirm'
    END,
    max(at),
    max(CASE WHEN kind IN ('failed', 'undo-failed') THEN event END)
FROM step_standing
GROUP BY migration;

CREATE TRIGGER event_of_a_step AFTER INSERT ON event
WHEN NEW.migration IS NOT NULL AND NEW.step IS NOT NULL
    AND NEW.kind IN ('started', 'finished', 'failed', 'undo-started', 'undo-finished', 'undo-failed')
BEGIN
    INSERT INTO step_standing (migration, step, kind, at, event)
    VALUES (NEW.migration, NEW.step, NEW.kind, NEW.at, NEW.sequence)
    ON CONFLICT (migration, step) DO UPDATE SET kind = NEW.kind, at = NEW.at, event = NEW.sequence;
    INSERT INTO migration_standing (migration, standing, steps_done, next_step, at, trouble)
    SELECT migration, standing, steps_done, next_step, at, trouble FROM v_sums WHERE migration = NEW.migration
    ON CONFLICT (migration) DO UPDATE SET
        standing = excluded.standing, steps_done = excluded.steps_done, next_step = excluded.next_step,
        at = excluded.at, trouble = excluded.trouble;
END;

INSERT INTO step_standing (migration, step, kind, at, event)
SELECT migration, step, kind, at, sequence FROM event
WHERE migration IS NOT NULL AND step IS NOT NULL
    AND kind IN ('started', 'finished', 'failed', 'undo-started', 'undo-finished', 'undo-failed')
ORDER BY sequence
ON CONFLICT (migration, step)
DO UPDATE SET kind = excluded.kind, at = excluded.at, event = excluded.event;

INSERT INTO migration_standing SELECT migration, standing, steps_done, next_step, at, trouble FROM v_sums;

-- What people ask the journal for with `sqlite3 journal.db`. Views may get columns, and lose none.

-- Everyone of the plan that was drawn up last, in the order in which batches run.
CREATE VIEW v_people AS
SELECT plan, position, batch_number, batch, migration, domain, profile, space, volume_gb, bytes
FROM planned
WHERE plan = (SELECT id FROM plan ORDER BY sequence DESC LIMIT 1);

-- The last event of every step, with what it says.
CREATE VIEW v_steps AS
SELECT step_standing.migration, step_standing.step, step_standing.kind, step_standing.at, event.detail
FROM step_standing JOIN event ON event.sequence = step_standing.event;

-- Where everyone of every plan stands, in the words of `studio-migrate status`.
CREATE VIEW v_standing AS
SELECT
    planned.plan, planned.position, planned.batch_number, planned.batch, planned.migration, planned.domain, planned.profile,
    coalesce(seen.standing, 'waiting') AS standing,
    coalesce(seen.steps_done, 0) AS steps_done,
    CASE WHEN seen.migration IS NULL THEN 'quiesce' ELSE seen.next_step END AS next_step,
    seen.at AS last_event_at,
    seen.trouble
FROM planned LEFT JOIN migration_standing AS seen ON seen.migration = planned.migration;

-- The same for the plan that was drawn up last.
CREATE VIEW v_progress AS
SELECT * FROM v_standing WHERE plan = (SELECT id FROM plan ORDER BY sequence DESC LIMIT 1);

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
