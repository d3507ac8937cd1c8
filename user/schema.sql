-- The audit database, schema 1. Every report is a query over it.
-- Times are CLOCK_MONOTONIC nanoseconds, sizes bytes, dev is "major:minor".
-- Text from outside (path, comm) is valid UTF-8: control characters, backslashes
-- and other bytes are escaped; where that changed a path, path_raw keeps it.

CREATE TABLE meta(
  key   TEXT PRIMARY KEY,   -- schema, version, level, kernel, filter, start_ns, end_ns, exit_status
  value
) WITHOUT ROWID;

-- The audited command, word by word.
CREATE TABLE arguments(position INTEGER PRIMARY KEY, text TEXT NOT NULL);

CREATE TABLE syncs(
  id               INTEGER PRIMARY KEY,   -- in the order the calls returned
  t_ns             INTEGER NOT NULL,      -- entry
  kind             TEXT NOT NULL,         -- fsync, fdatasync, sync_file_range, sync, syncfs, msync, o_sync, o_dsync,
                                          -- aio_fsync, io_uring_fsync, io_uring_sync_file_range, freeze, umount,
                                          -- server, kernel (nested, see parent_id)
  pid              INTEGER NOT NULL,      -- who asked; in the initial pid namespace
  tid              INTEGER NOT NULL,
  comm             TEXT NOT NULL,
  dev              TEXT NOT NULL,         -- of the file system (its s_dev)
  ino              INTEGER NOT NULL,
  path             TEXT,                  -- at entry; "..." in front: cut; " (deleted)" behind: was unlinked
  path_raw         BLOB,
  fs               TEXT NOT NULL,
  ret              INTEGER NOT NULL,      -- 0 or -errno; of a call that seccomp turned into a signal: more than 0
  latency_ns       INTEGER NOT NULL,
  writeout_ns      INTEGER,               -- of the latency: until the data was written,
  journal_ns       INTEGER,               -- journal, log and waiting,
  flush_ns         INTEGER,               -- and the flush that covered it
  verdict          TEXT NOT NULL,         -- durable, not-durable, unproven
  reason           TEXT NOT NULL,
  grounds          TEXT NOT NULL,         -- observed, inferred
  flush_id         INTEGER,               -- the flush that proves it
  covered_by       INTEGER,               -- not durable: the later flush that covered it after all
  covered_after_ns INTEGER,               -- ... that long after the call had returned
  parent_id        INTEGER,               -- a nested sync: the call it was made for
  nested           INTEGER NOT NULL,      -- 1: it is audited for that call's sake alone
  detail           TEXT
);

CREATE TABLE flushes(
  id          INTEGER PRIMARY KEY,        -- in the order they completed
  dev         TEXT NOT NULL,
  kind        TEXT NOT NULL,              -- request (a hardware flush), bio (a device without requests: dm, md)
  issue_ns    INTEGER NOT NULL,
  complete_ns INTEGER NOT NULL,
  error       INTEGER NOT NULL,           -- 0 or -errno
  for_sync    INTEGER                     -- the first audited sync call it covered
);

CREATE TABLE devices(
  dev            TEXT PRIMARY KEY,
  name           TEXT NOT NULL,
  kind           TEXT NOT NULL,
  volatile_cache INTEGER,                 -- 1, 0, NULL: not known
  cache          TEXT NOT NULL,           -- volatile, none, overridden, assumed, ram, unknown
  fua            INTEGER NOT NULL,
  leaf           INTEGER NOT NULL,
  flushes        INTEGER NOT NULL DEFAULT 0,
  writes         INTEGER NOT NULL DEFAULT 0,
  detail         TEXT
) WITHOUT ROWID;

-- What each stands on, as lsblk's PKNAME.
CREATE TABLE parents(
  dev    TEXT NOT NULL,
  parent TEXT NOT NULL,
  PRIMARY KEY(dev, parent)
) WITHOUT ROWID;

CREATE TABLE findings(
  id         INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL,
  severity   TEXT NOT NULL,               -- risk, advice
  path       TEXT,
  detail     TEXT,
  since_ns   INTEGER,
  bytes      INTEGER,
  posix      TEXT,
  filesystem TEXT
);

-- The files that audited processes wrote to (run only), and what of them was written and not durable yet.
CREATE TABLE exposures(
  id               INTEGER PRIMARY KEY,
  path             TEXT,                  -- when last seen
  dev              TEXT NOT NULL,
  ino              INTEGER NOT NULL,
  pid              INTEGER NOT NULL,      -- who wrote to it first
  comm             TEXT NOT NULL,
  bytes            INTEGER NOT NULL,      -- written in all; a page counts as a whole, once for each time it became dirty
  peak_bytes       INTEGER NOT NULL,      -- ... and not durable, at the worst,
  left_bytes       INTEGER NOT NULL,      -- and when the audit ended: those of a risk that is shown
  longest_ns       INTEGER NOT NULL,      -- from a write to when it was durable, or to the end of the audit; at the worst
  state            TEXT NOT NULL,         -- at the end: durable (by a sync call), written-back (durable by a flush that
                                          -- nobody audited asked for), not-durable (the last call did not make it so),
                                          -- at-risk (see findings), output (at risk, and the command was given it),
                                          -- gone (removed, or no longer in memory), unknown
  syncs            INTEGER NOT NULL,      -- sync calls that made it durable
  sync_id          INTEGER,               -- the last of them
  flush_id         INTEGER,               -- written-back: the flush that covered it
  flushed_after_ns INTEGER,               -- ... that long after the oldest write
  detail           TEXT
);

-- Names that audited processes made, moved and removed (run --names only). POSIX promises that one lasts once each
-- directory that changed has been synced after the change: by a call of its own, or with all of its file system.
-- A file system may make it last without: with the transaction that holds it.
CREATE TABLE changes(
  id          INTEGER PRIMARY KEY,        -- in the order the calls returned
  t_ns        INTEGER NOT NULL,           -- return
  kind        TEXT NOT NULL,              -- create (by open), mkdir, mknod, symlink, link, unlink, rmdir, rename, exchange
  pid         INTEGER NOT NULL,
  tid         INTEGER NOT NULL,
  comm        TEXT NOT NULL,
  grounds     TEXT NOT NULL,              -- which directories: observed, or inferred from their paths
  old_path    TEXT,                       -- a name that is gone,
  old_dev     TEXT,                       -- and its directory,
  old_dir     INTEGER,
  old_posix   TEXT,                       -- durable, not-durable, unproven,
  old_sync_id INTEGER,                    -- and the call that says so
  new_path    TEXT,                       -- a name that is new, likewise
  new_dev     TEXT,
  new_dir     INTEGER,
  new_posix   TEXT,
  new_sync_id INTEGER,
  filesystem  TEXT NOT NULL               -- how it stands in fact: durable, not-durable, unproven
    DEFAULT 'unproven',
  durable_by  TEXT,                       -- transaction: it was committed; checkpoint: one was made (f2fs); file: the
                                          -- sync of what is named keeps its name; directories: none of these is known,
                                          -- and each was synced
  txn         INTEGER,                    -- the transaction of the file system that holds it, or one before
  flush_id    INTEGER,                    -- durable by one of the first three: the flush that went with that
  object      TEXT,                       -- what is named: file, directory, symlink, NULL: not known
  replaces    INTEGER                     -- 1: something had the new name before, 0: nothing, NULL: not known
);

-- Files that audited processes had written to when a rename moved them, or a directory above them.
CREATE TABLE moved(
  change_id INTEGER NOT NULL,
  path      TEXT NOT NULL,                -- after it
  data      TEXT NOT NULL,                -- was all of it durable then, by sync calls: durable, not-durable, unproven
  since_ns  INTEGER,                      -- not durable: when the oldest of that had been written
  sync_id   INTEGER,                      -- the call that made it durable; not durable then: after, NULL: none did
  PRIMARY KEY(change_id, path)
) WITHOUT ROWID;

-- Each name of each change: it is there since, or is gone.
CREATE VIEW named AS
  SELECT id, kind, comm, t_ns, old_path AS path, old_dev AS dev, old_dir AS dir, old_posix AS posix,
    old_sync_id AS sync_id, filesystem, kind = 'exchange' AS present, object
  FROM changes WHERE old_path IS NOT NULL
  UNION ALL SELECT id, kind, comm, t_ns, new_path, new_dev, new_dir, new_posix, new_sync_id, filesystem, 1, object
  FROM changes WHERE new_path IS NOT NULL;

-- Names as their last change has them; made: how often it was made there.
CREATE VIEW lasting AS
SELECT path, max(id) AS id, kind, comm, t_ns, dev, dir, posix, filesystem, present, sum(present) AS made
FROM named GROUP BY path;

-- What was renamed: a file that audited processes wrote to has data, was it durable before, and by which call. What the
-- change itself did not tell follows from those before it.
CREATE VIEW renames AS
SELECT c.*, m.data, m.since_ns, m.sync_id,
  coalesce(c.replaces, (SELECT present FROM named n WHERE n.path = c.new_path AND n.id < c.id
    ORDER BY n.id DESC LIMIT 1)) AS replaced,
  coalesce(c.object, iif(m.path IS NOT NULL, 'file', (SELECT n.object
    FROM named n WHERE n.path = c.old_path AND n.id < c.id ORDER BY n.id DESC LIMIT 1))) AS what
FROM changes c LEFT JOIN moved m ON m.change_id = c.id AND m.path = c.new_path
WHERE c.kind = 'rename';

-- Counted, never silent: what the auditor itself lost.
CREATE TABLE losses(
  cause  TEXT PRIMARY KEY,
  count  INTEGER NOT NULL,
  syncs  INTEGER NOT NULL DEFAULT 0,      -- of these, sync calls that are missing from syncs
  remedy TEXT NOT NULL
) WITHOUT ROWID;

-- What an endless audit (watch) has counted and let go of.
CREATE TABLE purged_calls(
  verdict TEXT NOT NULL,
  reason  TEXT NOT NULL,
  covered INTEGER NOT NULL,               -- 1: not durable, and covered by a later flush
  count   INTEGER NOT NULL,
  PRIMARY KEY(verdict, reason, covered)
) WITHOUT ROWID;

CREATE TABLE purged_flushes(
  dev   TEXT NOT NULL,
  kind  TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(dev, kind)
) WITHOUT ROWID;

CREATE TABLE blind_spots(text TEXT NOT NULL);

-- Nested syncs are part of the call they were made for: not counted again.
CREATE VIEW calls AS SELECT * FROM syncs WHERE NOT nested;

-- All calls that were judged, kept here or not.
CREATE VIEW tally AS
  SELECT verdict, reason, covered_by IS NOT NULL AS covered, count(*) AS count FROM calls GROUP BY 1, 2, 3
  UNION ALL SELECT verdict, reason, covered, count FROM purged_calls;

CREATE VIEW totals AS SELECT
  (SELECT coalesce(sum(count), 0) FROM tally) + (SELECT coalesce(sum(syncs), 0) FROM losses) AS syncs,
  (SELECT coalesce(sum(count), 0) FROM tally WHERE verdict = 'durable')     AS durable,
  (SELECT coalesce(sum(count), 0) FROM tally WHERE verdict = 'not-durable') AS not_durable,
  (SELECT coalesce(sum(count), 0) FROM tally WHERE verdict = 'unproven')
    + (SELECT coalesce(sum(syncs), 0) FROM losses)                          AS unproven,
  (SELECT count(*) FROM flushes WHERE kind = 'request')
    + (SELECT coalesce(sum(count), 0) FROM purged_flushes WHERE kind = 'request') AS flushes,
  (SELECT coalesce(sum(count), 0) FROM losses)                              AS lost_events;

-- The program that a process is: the last name of its first thread that is known, else of a thread that wrote.
CREATE VIEW processes AS SELECT pid, comm, max(rank) AS rank FROM (
  SELECT pid, comm, iif(tid = pid, 2, 0) << 48 | id AS rank FROM calls
  UNION ALL SELECT pid, comm, 1 << 48 | id FROM exposures)
GROUP BY pid;

-- Of each program the file that most of its calls are about, but for mere write-outs: of a database its log.
-- By path too: the inode of a removed log segment is soon another file's.
CREATE VIEW most_synced AS SELECT
  comm, path, max(syncs) AS syncs,
  (SELECT max(longest_ns) FROM exposures e
    WHERE e.dev = each.dev AND e.ino = each.ino AND e.path IS each.path) AS exposed_ns
FROM (
  SELECT processes.comm, dev, ino, path, count(*) AS syncs
  FROM calls JOIN processes USING(pid)
  WHERE ino AND reason <> 'writeout-only' GROUP BY processes.comm, dev, ino, path) AS each
GROUP BY comm;

-- What each program's calls came to, and what of its files was exposed.
CREATE VIEW programs AS SELECT
  comm,
  sum(each.syncs) AS syncs, sum(durable) AS durable, sum(covered) AS covered,
  max(covered_after_ns) AS covered_after_ns, sum(not_durable) AS not_durable, sum(unproven) AS unproven,
  most_synced.path AS most_synced_path, most_synced.syncs AS most_synced_calls,
  most_synced.exposed_ns AS most_synced_exposed_ns,
  sum(files) AS files, max(longest_ns) AS exposed_ns,
  (SELECT e.path FROM exposures e JOIN processes USING(pid) WHERE processes.comm = each.comm
    ORDER BY longest_ns DESC LIMIT 1) AS exposed_path,
  sum(at_risk) AS at_risk, sum(risk_bytes) AS risk_bytes
FROM (
  SELECT processes.comm, 1 AS syncs, verdict = 'durable' AS durable,
    verdict = 'not-durable' AND covered_by IS NOT NULL AS covered, coalesce(covered_after_ns, 0) AS covered_after_ns,
    verdict = 'not-durable' AND covered_by IS NULL AS not_durable, verdict = 'unproven' AS unproven,
    0 AS files, 0 AS longest_ns, 0 AS at_risk, 0 AS risk_bytes
  FROM calls JOIN processes USING(pid)
  UNION ALL SELECT processes.comm, 0, 0, 0, 0, 0, 0, 1, longest_ns, state = 'at-risk',
    iif(state = 'at-risk', left_bytes, 0)
  FROM exposures JOIN processes USING(pid)) AS each
LEFT JOIN most_synced USING(comm)
GROUP BY comm;
