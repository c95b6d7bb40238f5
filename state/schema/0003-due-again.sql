-- A step that is due again counts as begun, in the views as in the fold of the events: in a migration of two passes what the first
-- did is done once more.
DROP TRIGGER event_of_a_step;

CREATE TRIGGER event_of_a_step AFTER INSERT ON event
WHEN NEW.migration IS NOT NULL AND NEW.step IS NOT NULL
    AND NEW.kind IN ('started', 'finished', 'failed', 'due-again', 'undo-started', 'undo-finished', 'undo-failed')
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
