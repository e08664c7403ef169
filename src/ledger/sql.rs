//! The writer's statements, prepared once.

use rusqlite::{Connection, Statement};

macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        /// Every statement of the writer. Borrowed from its connection, which outlives it on the writer's stack.
        pub(super) struct Sql<'c> {
            $(pub(super) $name: Statement<'c>,)*
        }

        impl<'c> Sql<'c> {
            /// Prepares all of them.
            pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
                Ok(Self { $($name: connection.prepare($text)?,)* })
            }
        }
    };
}

statements! {
    begin = "BEGIN IMMEDIATE";
    commit = "COMMIT";
    rollback = "ROLLBACK";

    insert_agency = "INSERT INTO agency (n, id) VALUES (?1, ?2)";
    insert_type = "INSERT INTO type (n, id) VALUES (?1, ?2)";
    insert_identity = "INSERT INTO identity (key, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    select_identity = "SELECT seq FROM identity WHERE key = ?1";
    select_digest = "SELECT digest, at FROM envelope WHERE seq = ?1";
    insert_envelope = "INSERT INTO envelope (seq, at, sender, type, digest, head, recipients, data)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    insert_lookup = "INSERT INTO lookup (key, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    insert_young = "INSERT INTO young (seq, identity, subject, correlation) VALUES (?1, ?2, ?3, ?4)";
    delete_merged = "DELETE FROM young WHERE seq >= ?1 AND seq < ?2";
    insert_expiry = "INSERT INTO expiry (at, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

    insert_pending = "INSERT INTO pending (agency, seq, slot, lane) VALUES (?1, ?2, ?3, ?4)";
    delete_pending = "DELETE FROM pending WHERE agency = ?1 AND seq = ?2";
    has_pending = "SELECT slot FROM pending WHERE agency = ?1 AND seq = ?2";
    scan_pending = "SELECT seq, slot, lane FROM pending WHERE agency = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq";

    has_stuck = "SELECT 1 FROM stuck WHERE agency = ?1 AND lane = ?2";
    select_stuck = "SELECT seq, slot, state, counted, due_at, lease, tried FROM stuck WHERE agency = ?1 AND lane = ?2";
    due_stuck = "SELECT lane, seq, slot, due_at, counted, tried, in_a_row, class, first_at, held_ms, err_at, wait_ms
        FROM stuck INDEXED BY stuck_due WHERE agency = ?1 AND state < 4 AND due_at <= ?2
        ORDER BY due_at, seq";
    head_row = "SELECT lane, seq, slot, due_at, counted, tried, in_a_row, class, first_at, held_ms, err_at, wait_ms
        FROM stuck WHERE agency = ?1 AND lane = ?2";
    next_due = "SELECT due_at FROM stuck INDEXED BY stuck_due WHERE agency = ?1 AND state < 4 AND due_at > ?2
        ORDER BY due_at LIMIT 1";
    insert_stuck = "INSERT INTO stuck (agency, lane, seq, slot, state, due_at, since, counted, tried, in_a_row, class, first_at,
        held_ms, err_class, err_status, err_note, err_at, grp, wait_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
        ON CONFLICT (agency, lane) DO UPDATE SET state = excluded.state, due_at = excluded.due_at, since = excluded.since,
        counted = excluded.counted, tried = excluded.tried, in_a_row = excluded.in_a_row, class = excluded.class,
        first_at = excluded.first_at, held_ms = excluded.held_ms, wait_ms = excluded.wait_ms, grp = excluded.grp, lease = NULL,
        err_status = iif(excluded.err_class IS NULL, err_status, excluded.err_status),
        err_note = iif(excluded.err_class IS NULL, err_note, excluded.err_note),
        err_at = iif(excluded.err_class IS NULL, err_at, excluded.err_at),
        err_class = coalesce(excluded.err_class, err_class)";
    promote_stuck = "UPDATE stuck SET seq = ?3, slot = ?4, state = ?5, due_at = ?6, since = ?6, counted = 0, tried = 0,
        in_a_row = 0, class = NULL, first_at = NULL, held_ms = 0, wait_ms = 0, err_class = NULL, err_status = NULL, err_note = NULL,
        err_at = NULL, grp = NULL, lease = NULL WHERE agency = ?1 AND lane = ?2";
    anew_stuck = "UPDATE stuck SET state = ?3, due_at = ?4, since = ?4, counted = 0, in_a_row = 0, class = NULL, first_at = NULL,
        held_ms = 0, wait_ms = 0, grp = NULL, lease = NULL WHERE agency = ?1 AND lane = ?2";
    lease_stuck = "UPDATE stuck SET state = 5, due_at = ?3, since = ?4, held_ms = ?5, lease = ?6 WHERE agency = ?1 AND lane = ?2";
    unlease_stuck = "UPDATE stuck SET state = ?3, due_at = ?4, lease = NULL WHERE agency = ?1 AND lane = ?2";
    run_out = "SELECT lane, seq, slot, due_at, counted, tried, in_a_row, class, first_at, held_ms, err_at, wait_ms
        FROM stuck INDEXED BY stuck_leased WHERE agency = ?1 AND state = 5 AND due_at <= ?2 ORDER BY due_at LIMIT ?3";
    stuck_fault = "SELECT err_class, err_status, err_note FROM stuck WHERE agency = ?1 AND lane = ?2";
    delete_stuck = "DELETE FROM stuck WHERE agency = ?1 AND lane = ?2";

    insert_behind = "INSERT INTO behind (agency, lane, seq, slot) VALUES (?1, ?2, ?3, ?4)";
    first_behind = "SELECT seq, slot FROM behind WHERE agency = ?1 AND lane = ?2 ORDER BY seq LIMIT 1";
    insert_aside = "INSERT INTO aside SELECT agency, lane, seq, slot, state, due_at, since, counted, tried, in_a_row, class, first_at,
        held_ms, wait_ms, err_class, err_status, err_note, err_at, grp, lease FROM stuck WHERE agency = ?1 AND lane = ?2";
    aside_state = "SELECT state, counted FROM aside WHERE agency = ?1 AND lane = ?2 AND seq = ?3";
    restore_aside = "INSERT OR REPLACE INTO stuck (agency, lane, seq, slot, state, due_at, since, counted, tried, in_a_row, class,
        first_at, held_ms, wait_ms, err_class, err_status, err_note, err_at, grp, lease) SELECT agency, lane, seq, slot, state, due_at,
        since, counted, tried, in_a_row, class, first_at, held_ms, wait_ms, err_class, err_status, err_note, err_at, grp, lease
        FROM aside WHERE agency = ?1 AND lane = ?2 AND seq = ?3";
    delete_aside = "DELETE FROM aside WHERE agency = ?1 AND lane = ?2 AND seq = ?3";
    delete_behind = "DELETE FROM behind WHERE agency = ?1 AND lane = ?2 AND seq = ?3 AND slot = ?4";

    insert_settled = "INSERT INTO settled (seq, slot, agency, lane, state, outcome, attempts, ms, at, by, why, reason, reference,
        disclosure) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    select_settled = "SELECT agency, lane, state, outcome, at, by FROM settled WHERE seq = ?1 AND slot = ?2";
    settled_after = "SELECT seq, agency, lane, state FROM settled WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    settled_of = "SELECT s.slot, s.agency, s.lane, s.state,
        coalesce((SELECT o.outcome FROM outcome o WHERE o.seq = s.seq AND o.slot = s.slot ORDER BY o.n DESC LIMIT 1), s.outcome)
        FROM settled s WHERE s.seq = ?1 ORDER BY s.slot";
    insert_attempt = "INSERT INTO attempt (seq, slot, n, at, class, status, ms, note, answer, counted, disclosure)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    delete_attempt = "DELETE FROM attempt WHERE seq = ?1 AND slot = ?2 AND n = ?3";

    last_outcome = "SELECT n, outcome FROM outcome WHERE seq = ?1 AND slot = ?2 ORDER BY n DESC LIMIT 1";
    insert_outcome = "INSERT INTO outcome (seq, slot, n, at, outcome, reason, reference, by)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    insert_open_outcome = "INSERT INTO open_outcome (at, seq, slot) VALUES (?1, ?2, ?3)";
    delete_open_outcome = "DELETE FROM open_outcome WHERE at = ?1 AND seq = ?2 AND slot = ?3";
    overdue_outcomes = "SELECT at, seq, slot FROM open_outcome WHERE at < ?1 ORDER BY at, seq, slot LIMIT ?2";
    insert_completed = "INSERT INTO completed (at, seq, failed) VALUES (?1, ?2, ?3)";

    select_gap = "SELECT seq, slot, at FROM gap WHERE agency = ?1 AND lane = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT 1";
    insert_gap = "INSERT INTO gap (agency, lane, seq, slot, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    tell_gaps = "DELETE FROM gap WHERE agency = ?1 AND lane = ?2 AND seq < ?3";
    delete_gap = "DELETE FROM gap WHERE agency = ?1 AND lane = ?2 AND seq = ?3";

    insert_group = "INSERT INTO error_group (grp, class, status, note) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    insert_dead = "INSERT INTO dead (agency, seq, slot, lane, type, grp, at, returned)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    select_dead = "SELECT slot FROM dead WHERE agency = ?1 AND seq = ?2";
    delete_dead = "DELETE FROM dead WHERE agency = ?1 AND seq = ?2";
    dead_of_lane = "SELECT 1 FROM dead WHERE agency = ?1 AND lane = ?2 LIMIT 1";
    pass = "INSERT INTO passed (agency, lane, seq) VALUES (?1, ?2, ?3)
        ON CONFLICT (agency, lane) DO UPDATE SET seq = max(seq, excluded.seq)";
    select_passed = "SELECT seq FROM passed WHERE agency = ?1 AND lane = ?2";
    delete_passed = "DELETE FROM passed WHERE agency = ?1 AND lane = ?2";

    envelope_row = "SELECT at, recipients, type, sender FROM envelope WHERE seq = ?1";
    select_sender = "SELECT sender FROM envelope WHERE seq = ?1";
    select_head = "SELECT head FROM envelope WHERE seq = ?1";
    expired = "SELECT at, seq FROM expiry WHERE at <= ?1 ORDER BY at, seq LIMIT ?2";
    delete_expiry = "DELETE FROM expiry WHERE at = ?1 AND seq = ?2";

    swept = "SELECT c.at, c.seq, e.head, c.failed, e.at, e.type FROM completed c JOIN envelope e ON e.seq = c.seq WHERE c.at < ?1
        ORDER BY c.at, c.seq LIMIT ?2";
    delete_completed = "DELETE FROM completed WHERE at = ?1 AND seq = ?2";
    delete_envelope = "DELETE FROM envelope WHERE seq = ?1";
    delete_young = "DELETE FROM young WHERE seq = ?1";
    delete_identity = "DELETE FROM identity WHERE key = ?1";
    delete_lookup = "DELETE FROM lookup WHERE key = ?1 AND seq = ?2";
    delete_settled = "DELETE FROM settled WHERE seq = ?1";
    delete_attempts = "DELETE FROM attempt WHERE seq = ?1";
    delete_outcomes = "DELETE FROM outcome WHERE seq = ?1";
    delete_redriven = "DELETE FROM redriven WHERE seq = ?1";
    redriven_of = "SELECT slot, first_slot FROM redriven WHERE seq = ?1 ORDER BY slot";
    insert_redriven = "INSERT INTO redriven (seq, slot, agency, first_slot, at, by, job) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    take_completed = "DELETE FROM completed WHERE at = ?1 AND seq = ?2 RETURNING at, failed";
    reopen = "DELETE FROM completed WHERE seq = ?1 RETURNING at, failed";

    completed_at = "SELECT max(at) FROM (SELECT at FROM settled WHERE seq = ?1 UNION ALL SELECT o.at FROM outcome o
        JOIN settled s ON s.seq = o.seq AND s.slot = o.slot WHERE o.seq = ?1 AND (s.outcome IS NOT NULL OR s.by = 'broker'
            AND EXISTS (SELECT 1 FROM outcome x WHERE x.seq = o.seq AND x.slot = o.slot AND x.outcome <> 1)))";

    select_job = "SELECT n, kind, agency, state, cursor, until, type, grp, picks, force, rate, paced_us, actor, created_at
        FROM job WHERE id = ?1";
    insert_job = "INSERT INTO job (id, kind, agency, state, cursor, until, from_at, until_at, type, grp, picks, force, rate,
        paced_us, eligible, made, done, failed, actor, reason, created_at)
        VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, 0, 0, ?15, ?16, ?17) RETURNING n";
    step_job = "UPDATE job SET state = ?2, cursor = ?3, paced_us = ?4, made = made + ?5,
        eligible = iif(?2 = 3, made + ?5, max(eligible - ?6, made + ?5)) WHERE n = ?1";
    set_job_state = "UPDATE job SET state = ?2 WHERE n = ?1";
    count_job = "UPDATE job SET done = done + ?2, failed = failed + ?3 WHERE n = ?1";
    active_replay = "SELECT id FROM job WHERE state < 3 AND kind = 2 AND agency = ?1";
    insert_job_open = "INSERT INTO job_open (seq, slot, job) VALUES (?1, ?2, ?3)";
    take_job_open = "DELETE FROM job_open WHERE seq = ?1 AND slot = ?2 RETURNING job";
    insert_held = "INSERT INTO job_held (job, seq, slot, why) SELECT ?1, ?2, ?3, ?4
        WHERE (SELECT count(*) FROM job_held WHERE job = ?1) < ?5 ON CONFLICT DO NOTHING";
    next_dead = super::dead::DEAD;
    next_parked = super::dead::PARKED;
    untried_heads = "SELECT count(*) FROM (SELECT 1 FROM stuck INDEXED BY stuck_oldest
        WHERE agency = ?1 AND seq <= ?2 AND state IN (2, 3) LIMIT ?3)";
    fresh_heads = "SELECT 1 FROM stuck INDEXED BY stuck_oldest
        WHERE agency = ?1 AND seq <= ?2 AND (state IN (2, 3) OR state = 5 AND tried = 0) LIMIT 1";
    pending_before = "SELECT 1 FROM pending WHERE agency = ?1 AND seq < ?2 LIMIT 1";
    scan_envelopes = "SELECT seq, recipients FROM envelope WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";

    heads_to_try = "SELECT count(*) FROM (SELECT 1 FROM stuck INDEXED BY stuck_oldest
        WHERE agency = ?1 AND seq <= ?2 AND state < 4 LIMIT ?3)";
    flowing_to_try = "SELECT count(*) FROM (SELECT 1 FROM pending WHERE agency = ?1 AND seq <= ?2 LIMIT ?3)";

    insert_audit = "INSERT INTO audit (at, actor, action, target, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    insert_pause = "INSERT OR REPLACE INTO pause (agency, actor, reason, at, gone, mark) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    delete_pause = "DELETE FROM pause WHERE agency = ?1";
    insert_event = "INSERT INTO event (at, agency, kind, by, why, class, status, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    sweep_events = "DELETE FROM event WHERE n IN (SELECT n FROM event WHERE at < ?1 ORDER BY n LIMIT ?2)";
    crop_events = "DELETE FROM event WHERE n IN (SELECT n FROM event INDEXED BY event_agency WHERE agency = ?1
        ORDER BY n DESC LIMIT ?3 OFFSET ?2)";

    insert_disclosure = "INSERT INTO disclosure (digest, agency, pattern, fields, purpose, purpose_ar, legal_basis)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    add_tally = "INSERT INTO tally (agency, state, n) VALUES (?1, ?2, ?3)
        ON CONFLICT (agency, state) DO UPDATE SET n = n + excluded.n";
    add_service_day = "INSERT INTO service_day (day, type, accepted, completed, failed, ms, old_accepted, old_completed, old_failed,
        old_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (day, type) DO UPDATE SET accepted = accepted + excluded.accepted, completed = completed + excluded.completed,
        failed = failed + excluded.failed, ms = ms + excluded.ms, old_accepted = old_accepted + excluded.old_accepted,
        old_completed = old_completed + excluded.old_completed, old_failed = old_failed + excluded.old_failed,
        old_ms = old_ms + excluded.old_ms";
    select_reopened = "SELECT day, failed, ms FROM reopened WHERE seq = ?1";
    set_reopened = "INSERT INTO reopened (seq, day, failed, ms) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (seq) DO UPDATE SET day = excluded.day, failed = excluded.failed, ms = excluded.ms";
    delete_reopened = "DELETE FROM reopened WHERE seq = ?1";

    history_durations = "SELECT attempt_ms, delivery_ms FROM history WHERE span = ?1 AND at = ?2 AND agency = ?3";
    add_history = super::history::ADD;
    oldest_history = "SELECT at FROM history WHERE span = ?1 AND at < ?2 ORDER BY at LIMIT 1";
    delete_history = "DELETE FROM history WHERE span = ?1 AND at = ?2";

    set_meta = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
}
