//! The proof of repair: dead letters, gaps, generations, jobs, pauses and events, from their rows alone.

use rusqlite::Connection;

use super::check::Findings;

/// What must be empty: what it would mean, and the rows.
const BROKEN: [(&str, &str); 16] = [
    (
        "dead: a delivery whose latest generation is dead is no dead letter",
        "SELECT s.seq, s.slot FROM settled s LEFT JOIN dead d ON d.agency = s.agency AND d.seq = s.seq AND d.slot = s.slot
            AND d.lane = s.lane
         WHERE s.state = 2 AND d.seq IS NULL AND NOT EXISTS
            (SELECT 1 FROM redriven r WHERE r.seq = s.seq AND r.agency = s.agency AND r.slot > s.slot)",
    ),
    (
        "dead: a dead letter neither died nor came back, is not the latest generation, or of another type",
        "SELECT d.seq, d.slot FROM dead d LEFT JOIN settled s ON s.seq = d.seq AND s.slot = d.slot AND s.agency = d.agency
         LEFT JOIN envelope e ON e.seq = d.seq LEFT JOIN error_group g ON g.grp = d.grp
         WHERE s.state IS NOT iif(d.returned = 0, 2, 1) OR e.type IS NOT d.type OR g.grp IS NULL OR EXISTS
            (SELECT 1 FROM redriven r WHERE r.seq = d.seq AND r.agency = d.agency AND r.slot > d.slot)",
    ),
    (
        "overtaken: a lane delivered it or a later one, and the dead letter does not know",
        "SELECT d.seq, d.slot FROM dead d JOIN
            (SELECT agency, lane, max(seq) AS seq FROM settled WHERE state = 1 AND lane & 1 = 1
                AND EXISTS (SELECT 1 FROM dead x WHERE x.agency = settled.agency AND x.lane = settled.lane)
             GROUP BY agency, lane) s
            ON s.agency = d.agency AND s.lane = d.lane LEFT JOIN passed p ON p.agency = d.agency AND p.lane = d.lane
         WHERE d.returned < 2 AND s.seq >= d.seq + d.returned AND (p.seq IS NULL OR p.seq < d.seq + d.returned)",
    ),
    (
        "returned: what came back is no dead letter",
        "SELECT s.seq, s.slot FROM settled s LEFT JOIN dead d ON d.agency = s.agency AND d.seq = s.seq AND d.slot = s.slot
            AND d.lane = s.lane AND d.returned > 0
         WHERE s.state = 1 AND d.seq IS NULL AND (s.by = 'broker' AND s.outcome = 2 OR EXISTS
                (SELECT 1 FROM outcome o WHERE o.seq = s.seq AND o.slot = s.slot AND o.by = 'broker'))
            AND NOT EXISTS (SELECT 1 FROM redriven r WHERE r.seq = s.seq AND r.agency = s.agency AND r.slot > s.slot)",
    ),
    (
        "returned: a dead letter came back, and was not refused",
        "SELECT d.seq, d.slot FROM dead d JOIN settled s ON s.seq = d.seq AND s.slot = d.slot WHERE d.returned > 0 AND coalesce(
            (SELECT o.outcome FROM outcome o WHERE o.seq = d.seq AND o.slot = d.slot ORDER BY o.n DESC LIMIT 1), s.outcome)
            IS NOT 2",
    ),
    (
        "overtaken: a lane is said to have delivered what it has not",
        "SELECT p.seq, 0 FROM passed p JOIN envelope e ON e.seq = p.seq WHERE p.lane & 1 = 0 OR NOT EXISTS
            (SELECT 1 FROM settled s WHERE s.seq = p.seq AND s.agency = p.agency AND s.lane = p.lane AND s.state = 1)",
    ),
    (
        "gap: it is not lost, or of no ordered lane",
        "SELECT g.seq, g.slot FROM gap g WHERE g.lane & 1 = 0 OR NOT EXISTS
            (SELECT 1 FROM settled s WHERE s.seq = g.seq AND s.agency = g.agency AND s.lane = g.lane AND s.state IN (2, 4)
                AND NOT EXISTS (SELECT 1 FROM settled l WHERE l.seq = s.seq AND l.agency = s.agency AND l.slot > s.slot
                    AND l.state = 1))",
    ),
    (
        "gap: a dead letter that nothing overtook is no gap",
        "SELECT d.seq, d.slot FROM dead d LEFT JOIN passed p ON p.agency = d.agency AND p.lane = d.lane
         LEFT JOIN gap g ON g.agency = d.agency AND g.lane = d.lane AND g.seq = d.seq
         WHERE d.lane & 1 = 1 AND d.returned = 0 AND g.seq IS NULL AND (p.seq IS NULL OR p.seq < d.seq)",
    ),
    (
        "redriven: it is of no job, or of another agency",
        "SELECT r.seq, r.slot FROM redriven r LEFT JOIN job j ON j.n = r.job WHERE j.agency IS NOT r.agency",
    ),
    (
        "R2: a job has made what is neither done, nor failed, nor open, or is through with some left",
        "SELECT j.n, 0 FROM job j WHERE j.made <> j.done + j.failed + (SELECT count(*) FROM job_open o WHERE o.job = j.n)
            OR j.made > j.eligible OR (j.state = 3 AND j.made <> j.eligible)",
    ),
    (
        "R2: an open delivery of a job has ended",
        "SELECT o.seq, o.slot FROM job_open o JOIN settled s ON s.seq = o.seq AND s.slot = o.slot",
    ),
    (
        "R2: an open delivery of a job is parked, or of no job",
        "SELECT o.seq, o.slot FROM job_open o LEFT JOIN job j ON j.n = o.job WHERE j.n IS NULL OR EXISTS
            (SELECT 1 FROM stuck s WHERE s.agency = j.agency AND s.seq = o.seq AND s.slot = o.slot AND s.state = 4)",
    ),
    (
        "R3: an agency is under two replays",
        "SELECT agency, count(*) FROM job WHERE kind = 2 AND state < 3 GROUP BY agency HAVING count(*) > 1",
    ),
    (
        "audit: an entry is missing, or says not who and why",
        "SELECT a.n, 0 FROM audit a LEFT JOIN audit b ON b.n = a.n - 1
         WHERE a.n > 1 AND b.n IS NULL OR a.actor = '' OR coalesce(a.reason, '') = ''",
    ),
    (
        "pause: it is of nobody, says not who and why, or drains past the last envelope",
        "SELECT p.agency, 0 FROM pause p LEFT JOIN agency a ON a.n = p.agency WHERE a.n IS NULL OR p.actor = '' OR p.reason = ''
            OR p.mark > max((SELECT coalesce(max(seq), 0) FROM envelope),
                (SELECT coalesce(max(value), 1) FROM meta WHERE key = 'seq_floor') - 1)",
    ),
    (
        "event: it is of nobody, of no kind, or lacks what its kind says",
        "SELECT e.n, 0 FROM event e LEFT JOIN agency a ON a.n = e.agency
         WHERE a.n IS NULL OR e.kind NOT BETWEEN 1 AND 7
            OR (e.kind IN (4, 5, 7)) <> (e.by IS NOT NULL AND coalesce(e.why, '') <> '' AND e.class IS NULL)
            OR (e.kind IN (1, 3)) <> (e.class IS NOT NULL) OR (e.kind IN (1, 5)) <> (e.until IS NOT NULL)",
    ),
];

/// Proves it.
pub(super) fn repair(connection: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
    for (what, text) in BROKEN {
        let mut select = connection.prepare(text)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (seq, slot): (i64, i64) = (row.get(0)?, row.get(1)?);
            findings.add(|| format!("{what}: seq {seq}, slot {slot}"));
        }
    }
    Ok(())
}
