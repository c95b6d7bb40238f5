-- The journal as it began. A change to this file is a mistake: add another one.

-- Facts about the journal itself: the account and Region that it belongs to.
CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- One command that someone ran and that could change something.
CREATE TABLE operation (
    id INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    caller TEXT NOT NULL,
    os_user TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    began_at TEXT NOT NULL,
    ended_at TEXT,
    exit INTEGER
) STRICT;

-- Immutable inventories, as JSON.
CREATE TABLE snapshot (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kept_at TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- Immutable plans, as JSON.
CREATE TABLE plan (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    snapshot TEXT NOT NULL REFERENCES snapshot (id),
    kept_at TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE approval (
    sequence INTEGER PRIMARY KEY,
    plan TEXT NOT NULL REFERENCES plan (id),
    approver TEXT NOT NULL,
    note TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

-- The audit trail and intent log: rows are only ever added, and each carries the hash of the one before.
CREATE TABLE event (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    operation INTEGER REFERENCES operation (id),
    plan TEXT,
    migration TEXT,
    step TEXT,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE INDEX event_of_migration ON event (migration, sequence);

-- At most one row: who runs migrations now. The token grows each time that the lease changes hands.
CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    token INTEGER NOT NULL,
    holder TEXT,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    since TEXT NOT NULL,
    heartbeat_at TEXT NOT NULL
) STRICT;
