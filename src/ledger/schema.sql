-- The ledger, format 2. What flows is appended at one end and deleted at the other; only lanes in trouble pay for random access.
-- Times are milliseconds since 1970 in UTC. Numbers that stand for words are those of codes.rs and are only ever added to.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,     -- format, key (32 random bytes), seq_floor, at_floor, swept_max (the latest seq that was swept), zone
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE agency (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE type   (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);

-- One row per accepted envelope, whatever its fan-out. Never updated (L7).
CREATE TABLE envelope (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,    -- never decreases with seq
    sender     INTEGER NOT NULL,    -- agency.n
    type       INTEGER NOT NULL,    -- type.n
    digest     BLOB    NOT NULL,
    head       TEXT    NOT NULL,    -- {"schema", "attributes", "trace"?}
    recipients BLOB    NOT NULL,    -- version 1, then 13 bytes per slot: agency u32, lane i64, flags u8; little endian
    data       BLOB    NOT NULL     -- byte for byte as it came
);

-- Who is known under a source and id: the first 16 bytes of a keyed hash.
CREATE TABLE identity (key BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;

-- Keyed hashes of subject and correlationid, for the search.
CREATE TABLE lookup (key INTEGER, seq INTEGER, PRIMARY KEY (key, seq)) WITHOUT ROWID;

-- What the newest envelopes are known by, appended as they come and merged into the two before in key order. A row goes when
-- all of it is merged; until then it may stand there as well.
CREATE TABLE young (
    seq         INTEGER PRIMARY KEY,
    identity    BLOB    NOT NULL,    -- identity.key
    subject     INTEGER,             -- lookup.key
    correlation INTEGER              -- lookup.key
);

-- Envelopes that carry an expirytime.
CREATE TABLE expiry (at INTEGER, seq INTEGER, PRIMARY KEY (at, seq)) WITHOUT ROWID;

-- L1: an unfinished delivery stands in exactly one of the next three.
CREATE TABLE pending (
    agency INTEGER, seq INTEGER, slot INTEGER NOT NULL, lane INTEGER NOT NULL,
    PRIMARY KEY (agency, seq)
) WITHOUT ROWID;

-- The head of a lane that failed, is parked, or is too busy for the page. L2: nothing else of its lane is offered.
CREATE TABLE stuck (
    agency     INTEGER,
    lane       INTEGER,
    seq        INTEGER NOT NULL,
    slot       INTEGER NOT NULL,
    state      INTEGER NOT NULL,    -- 1 retry, 2 ready, 3 busy, 4 parked, 5 leased
    due_at     INTEGER NOT NULL,    -- leased: until when
    since      INTEGER NOT NULL,
    counted    INTEGER NOT NULL,    -- attempts that count
    tried      INTEGER NOT NULL,    -- attempts
    in_a_row   INTEGER NOT NULL,    -- of the same class
    class      INTEGER,             -- of the last attempt
    first_at   INTEGER,
    held_ms    INTEGER NOT NULL,
    wait_ms    INTEGER NOT NULL,    -- of the wait until due_at, what is age
    err_class  INTEGER,             -- the last failure
    err_status INTEGER,
    err_note   TEXT,
    err_at     INTEGER,
    grp        INTEGER,             -- parked: error_group.grp
    lease      BLOB,                -- leased: the fencing token
    PRIMARY KEY (agency, lane)
) WITHOUT ROWID;
-- state and grp stand in these so that what is due and what is parked is counted without a look at the rows.
CREATE INDEX stuck_due ON stuck (agency, due_at, seq, state) WHERE state < 4;
CREATE INDEX stuck_parked ON stuck (agency, seq, grp, state) WHERE state = 4;
CREATE INDEX stuck_leased ON stuck (agency, due_at) WHERE state = 5;
CREATE INDEX stuck_oldest ON stuck (agency, seq);

-- What follows a stuck head, in order.
CREATE TABLE behind (
    agency INTEGER, lane INTEGER, seq INTEGER, slot INTEGER NOT NULL,
    PRIMARY KEY (agency, lane, seq)
) WITHOUT ROWID;

-- What a head had been through when an earlier one was led back into its lane before it: the columns of stuck. It waits in
-- behind meanwhile and is as it was when it is head again.
CREATE TABLE aside (
    agency INTEGER, lane INTEGER, seq INTEGER, slot INTEGER, state INTEGER, due_at INTEGER, since INTEGER, counted INTEGER,
    tried INTEGER, in_a_row INTEGER, class INTEGER, first_at INTEGER, held_ms INTEGER, wait_ms INTEGER, err_class INTEGER, err_status INTEGER,
    err_note TEXT, err_at INTEGER, grp INTEGER, lease BLOB,
    PRIMARY KEY (agency, lane, seq)
) WITHOUT ROWID;

-- How each delivery ended (L6: never updated). A clean first success is this row alone.
CREATE TABLE settled (
    seq        INTEGER,
    slot       INTEGER,
    agency     INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    outcome    INTEGER,
    attempts   INTEGER NOT NULL,
    ms         INTEGER,
    at         INTEGER NOT NULL,
    by         TEXT,                -- NULL: the agency itself; 'broker': it is in the agency's queue, and the agency has said nothing
    why        TEXT,
    reason     TEXT,
    reference  TEXT,
    disclosure INTEGER,
    PRIMARY KEY (seq, slot)
) WITHOUT ROWID;

-- Failures, and the tries that followed them.
CREATE TABLE attempt (
    seq        INTEGER,
    slot       INTEGER,
    n          INTEGER,
    at         INTEGER NOT NULL,
    class      INTEGER NOT NULL,
    status     INTEGER,
    ms         INTEGER NOT NULL,
    note       TEXT    NOT NULL,
    answer     BLOB    NOT NULL,
    counted    INTEGER NOT NULL,
    disclosure INTEGER,
    PRIMARY KEY (seq, slot, n)
) WITHOUT ROWID;

-- What an agency reported later, in the order in which it came.
CREATE TABLE outcome (
    seq INTEGER, slot INTEGER, n INTEGER,
    at        INTEGER NOT NULL,
    outcome   INTEGER NOT NULL,
    reason    TEXT,
    reference TEXT,
    by        TEXT,                 -- NULL: the agency itself; 'broker': it came back from the agency's queue
    PRIMARY KEY (seq, slot, n)
) WITHOUT ROWID;

-- Delivered, and a final outcome is still to come; at: when it was delivered.
CREATE TABLE open_outcome (at INTEGER, seq INTEGER, slot INTEGER, PRIMARY KEY (at, seq, slot)) WITHOUT ROWID;

-- Appended by the commit that ends the last delivery; at: the latest end or outcome. Swept from the left.
CREATE TABLE completed (at INTEGER, seq INTEGER, failed INTEGER NOT NULL, PRIMARY KEY (at, seq)) WITHOUT ROWID;

-- Ordered deliveries that are lost (dead or skipped) and whose agency has not heard of it. The next later one of the lane that is
-- delivered tells of the latest before it, and all that are before it are told by that.
CREATE TABLE gap (
    agency INTEGER,
    lane   INTEGER,
    seq    INTEGER,
    slot   INTEGER NOT NULL,    -- of its first generation
    at     INTEGER NOT NULL,    -- when its envelope was accepted: part of its id
    PRIMARY KEY (agency, lane, seq)
) WITHOUT ROWID;

-- Dead letters: deliveries whose latest generation is dead, or was delivered and came back. A redrive takes the row away.
CREATE TABLE dead (
    agency   INTEGER,
    seq      INTEGER,
    slot     INTEGER NOT NULL,
    lane     INTEGER NOT NULL,
    type     INTEGER NOT NULL,    -- type.n
    grp      INTEGER NOT NULL,    -- error_group.grp
    at       INTEGER NOT NULL,    -- when it died or came back
    returned INTEGER NOT NULL,    -- 0 it died; 1 it came back; 2 it came back, and its lane was not searched to the end: overtaken
    PRIMARY KEY (agency, seq)
) WITHOUT ROWID;
CREATE INDEX dead_lane ON dead (agency, lane);
CREATE INDEX dead_group ON dead (agency, grp, seq);

-- What errors have in common: class, status, and the note with its digits folded. grp: a hash of the three.
CREATE TABLE error_group (grp INTEGER PRIMARY KEY, class INTEGER, status INTEGER, note TEXT NOT NULL);

-- The latest delivered of an ordered lane, once the lane has dead letters, was replayed, or was reported on out of turn. A dead
-- letter of the lane with this seq or a lower one is overtaken; one that came back is not overtaken by itself.
CREATE TABLE passed (agency INTEGER, lane INTEGER, seq INTEGER NOT NULL, PRIMARY KEY (agency, lane)) WITHOUT ROWID;

CREATE TABLE disclosure (
    digest      INTEGER PRIMARY KEY,
    agency      TEXT NOT NULL,
    pattern     TEXT NOT NULL,
    fields      TEXT NOT NULL,      -- JSON array
    purpose     TEXT NOT NULL,
    purpose_ar  TEXT NOT NULL,
    legal_basis TEXT NOT NULL
);

-- Exact figures, written in the commits that change what they count.
CREATE TABLE tally (agency INTEGER, state INTEGER, n INTEGER NOT NULL, PRIMARY KEY (agency, state)) WITHOUT ROWID;

-- How many of which service on which local day, without a person, a sender or an agency. Kept when its envelopes are forgotten;
-- old_: the part that is. ms: from acceptance to completion, summed up over completed.
CREATE TABLE service_day (
    day           INTEGER,              -- 20260930 in the zone that meta names
    type          INTEGER,              -- type.n
    accepted      INTEGER NOT NULL,
    completed     INTEGER NOT NULL,     -- well
    failed        INTEGER NOT NULL,     -- completed with failures
    ms            INTEGER NOT NULL,
    old_accepted  INTEGER NOT NULL,
    old_completed INTEGER NOT NULL,
    old_failed    INTEGER NOT NULL,
    old_ms        INTEGER NOT NULL,
    PRIMARY KEY (day, type)
) WITHOUT ROWID;

-- Envelopes that were led again after they were complete, as they are counted above.
CREATE TABLE reopened (seq INTEGER PRIMARY KEY, day INTEGER NOT NULL, failed INTEGER NOT NULL, ms INTEGER NOT NULL);

-- What happened to each agency in each minute and hour, in figures without a person in them. agency 0: the whole bus, in all that was
-- watched. An agency with nothing to say has no row. Counts are sums; oldest_s, waiting and in_flight the highest seen.
CREATE TABLE history (
    span                INTEGER,            -- 1 minute, 2 hour
    at                  INTEGER,            -- its beginning
    agency              INTEGER,            -- agency.n, or 0
    seconds             INTEGER NOT NULL,   -- of it, how many were watched
    sent                INTEGER NOT NULL,   -- envelopes accepted from it
    came                INTEGER NOT NULL,   -- deliveries for it, redrives included
    delivered           INTEGER NOT NULL,
    dead                INTEGER NOT NULL,
    expired             INTEGER NOT NULL,
    skipped             INTEGER NOT NULL,
    cancelled           INTEGER NOT NULL,
    done                INTEGER NOT NULL,   -- attempts from here on, by class
    message_fault       INTEGER NOT NULL,
    configuration_fault INTEGER NOT NULL,
    gone                INTEGER NOT NULL,
    throttle            INTEGER NOT NULL,
    endpoint_fault      INTEGER NOT NULL,
    retry_asked         INTEGER NOT NULL,
    oldest_s            INTEGER NOT NULL,
    waiting             INTEGER NOT NULL,
    in_flight           INTEGER NOT NULL,
    open_s              INTEGER NOT NULL,   -- seconds with an open circuit
    attempt_ms          BLOB    NOT NULL,   -- histogram.rs
    delivery_ms         BLOB    NOT NULL,   -- from acceptance to delivered
    PRIMARY KEY (span, at, agency)
) WITHOUT ROWID;

-- What persons did, and why. Appended, never changed.
CREATE TABLE audit (
    n      INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    reason TEXT,
    detail TEXT                 -- JSON: before and after
);

-- Agencies that are held.
CREATE TABLE pause (
    agency INTEGER PRIMARY KEY,
    actor  TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    gone   INTEGER NOT NULL,    -- 1: by falaj itself, as the agency answered 410
    mark   INTEGER              -- a drain: what has this seq or a lower one still goes out
);

-- What happened to agencies as a whole, each once. Appended; the oldest are swept.
CREATE TABLE event (
    n       INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    agency  INTEGER NOT NULL,
    kind    INTEGER NOT NULL,   -- 1 opened, 2 closed, 3 gone, 4 paused, 5 draining, 6 drained, 7 resumed
    by      TEXT,               -- paused, draining, resumed
    why     TEXT,               -- the same: the reason; opened, gone: what failed
    class   INTEGER,            -- opened, gone
    status  INTEGER,            -- opened, gone
    until   INTEGER             -- opened: the first probe; draining: the mark
);
CREATE INDEX event_agency ON event (agency, n);

-- Later generations of a delivery; they keep the webhook-id of first_slot. Only the latest can be unfinished.
CREATE TABLE redriven (
    seq        INTEGER,
    slot       INTEGER,
    agency     INTEGER NOT NULL,
    first_slot INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    by         TEXT NOT NULL,
    job        INTEGER NOT NULL,    -- job.n
    PRIMARY KEY (seq, slot)
) WITHOUT ROWID;

-- What a job made.
CREATE INDEX redriven_job ON redriven (job, seq, slot);

-- Redrives and replays. Each goes through its deliveries in accept order; what is at or before cursor is done with.
CREATE TABLE job (
    n          INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE,
    kind       INTEGER NOT NULL,    -- 1 redrive, 2 replay
    agency     INTEGER NOT NULL,
    state      INTEGER NOT NULL,    -- 1 running, 2 paused, 3 done, 4 cancelled
    cursor     INTEGER NOT NULL,    -- a seq
    until      INTEGER NOT NULL,    -- the last seq that it is about
    from_at    INTEGER NOT NULL,    -- replay: as it was asked for
    until_at   INTEGER NOT NULL,
    type       INTEGER,             -- redrive: of this type alone
    grp        INTEGER,             -- redrive: of this error group alone
    picks      TEXT,                -- redrive: of these alone, JSON array of [seq, slot], rising
    force      INTEGER NOT NULL,    -- redrive: overtaken ones too
    rate       INTEGER,             -- a second
    paced_us   INTEGER NOT NULL,    -- microseconds since 1970: the rate is used up until then
    eligible   INTEGER NOT NULL,
    made       INTEGER NOT NULL,
    done       INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX job_active ON job (n) WHERE state < 3;

-- Deliveries of a job that have neither ended nor been parked since.
CREATE TABLE job_open (seq INTEGER, slot INTEGER, job INTEGER NOT NULL, PRIMARY KEY (seq, slot)) WITHOUT ROWID;

-- What a job left out, the first 1,000 of it.
CREATE TABLE job_held (job INTEGER, seq INTEGER, slot INTEGER, why INTEGER NOT NULL, PRIMARY KEY (job, seq, slot)) WITHOUT ROWID;
