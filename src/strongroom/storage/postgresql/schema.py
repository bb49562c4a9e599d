"""What is in the database: four tables and one function in the schema `strongroom`, and their version.

`entries` is the store. `changes` says which keys each group of commits changed, in the order of the
commits: groups of all nodes take one lock, so a change seen is never followed by an earlier one.
`commits` holds each writer's latest group, so that a group sent again after a lost connection is
written once. ADR 0010 gives the reasons.
"""

from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from strongroom.errors import IntegrityFailure, Unavailable

FORMAT = 1
LOCKS = 0x73747267
"""First key of every advisory lock: "strg"."""
COMMIT_LOCK, USE_LOCK, SCHEMA_LOCK = 1, 2, 3
KEPT_GROUPS = 20_000
_TRIM_EACH = 256
OLDEST_SERVER = 130_000
MOVING = "SELECT 1 FROM strongroom.store WHERE version < 0"
"""While a store is moved here the format's number is negative."""

_TABLES = f"""
CREATE SCHEMA strongroom;
CREATE TABLE strongroom.store (
  version integer NOT NULL,
  id uuid NOT NULL,
  floor bigint NOT NULL
);
INSERT INTO strongroom.store VALUES ({FORMAT}, gen_random_uuid(), 0);
CREATE TABLE strongroom.entries (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 90);
-- Ciphertext does not compress, so nothing tries.
ALTER TABLE strongroom.entries ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE TABLE strongroom.changes (seq bigint NOT NULL, key bytea NOT NULL, shape boolean NOT NULL);
CREATE INDEX changes_seq ON strongroom.changes (seq);
CREATE TABLE strongroom.commits (
  writer uuid NOT NULL,
  number bigint NOT NULL,
  seq bigint NOT NULL,
  failed bytea NOT NULL,
  asked integer NOT NULL DEFAULT 1,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (writer, number)
);
"""  # noqa: S608  # constants of this module only

# A group is checked against what others changed since `p_base`, then written, all under one lock that
# is held until its commit is durable (on the standby too, where there is one) and visible.
_COMMIT = f"""
CREATE FUNCTION strongroom.commit_group(
  p_writer uuid, p_number bigint, p_base bigint,
  r_member integer[], r_key bytea[],
  g_member integer[], g_first bytea[], g_end bytea[],
  w_member integer[], w_key bytea[], w_value bytea[])
RETURNS TABLE (seq bigint, key bytea, value bytea, shape boolean)
LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
  head bigint;
  bottom bigint;
  latest bigint;
  refused integer[] := '{{}}';
  answer bytea;
  changed bigint;
BEGIN
  PERFORM pg_advisory_xact_lock({LOCKS}, {COMMIT_LOCK});
  SELECT floor INTO bottom FROM strongroom.store;
  SELECT c.number, c.seq, c.failed INTO latest, head, answer
    FROM strongroom.commits c WHERE c.writer = p_writer AND c.number >= p_number
   ORDER BY c.number DESC LIMIT 1;
  IF latest > p_number THEN
    RAISE EXCEPTION 'a later group of this writer is written';
  ELSIF latest = p_number THEN
    -- A write, so that this answer waits for the standby like the first one did.
    UPDATE strongroom.commits SET asked = asked + 1 WHERE writer = p_writer AND number = p_number;
  ELSE
    SELECT COALESCE(max(c.seq), 0) INTO head FROM strongroom.changes c;
    IF p_base < bottom THEN
      refused := r_member || g_member;
    ELSIF head > p_base THEN
      refused := ARRAY(
        SELECT r.member FROM strongroom.changes c JOIN unnest(r_member, r_key) AS r (member, k) ON r.k = c.key
         WHERE c.seq > p_base
        UNION
        SELECT g.member FROM strongroom.changes c
          JOIN unnest(g_member, g_first, g_end) AS g (member, first, beyond)
            ON c.key >= g.first AND c.key < g.beyond
         WHERE c.seq > p_base AND c.shape);
    END IF;
    WITH wanted AS MATERIALIZED (
      SELECT w.k, w.v FROM unnest(w_member, w_key, w_value) AS w (member, k, v)
       WHERE NOT w.member = ANY (refused)
    ), put AS (
      INSERT INTO strongroom.entries AS e (key, value)
      SELECT k, v FROM wanted WHERE v IS NOT NULL
      ON CONFLICT (key) DO UPDATE SET value = excluded.value
      RETURNING e.key AS k, e.xmax = 0 AS fresh
    ), gone AS (
      DELETE FROM strongroom.entries e USING wanted w WHERE w.v IS NULL AND e.key = w.k RETURNING e.key AS k
    )
    INSERT INTO strongroom.changes (seq, key, shape)
    SELECT head + 1, k, fresh FROM put UNION ALL SELECT head + 1, k, true FROM gone;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed > 0 THEN
      head := head + 1;
    END IF;
    answer := convert_to(array_to_string(refused, ','), 'UTF8');
    DELETE FROM strongroom.commits c WHERE c.writer = p_writer;
    INSERT INTO strongroom.commits (writer, number, seq, failed) VALUES (p_writer, p_number, head, answer);
    IF changed > 0 AND head % {_TRIM_EACH} = 0 AND head - {KEPT_GROUPS} > bottom THEN
      DELETE FROM strongroom.changes c WHERE c.seq <= head - {KEPT_GROUPS};
      UPDATE strongroom.store SET floor = head - {KEPT_GROUPS};
      DELETE FROM strongroom.commits c WHERE c.at < now() - interval '1 day';
    END IF;
  END IF;
  RETURN QUERY SELECT head, NULL::bytea, answer, p_base >= bottom;
  RETURN QUERY SELECT c.seq, c.key, NULL::bytea, c.shape FROM strongroom.changes c WHERE c.seq > p_base;
END
$body$;
"""  # noqa: S608  # same

_NEWS = """
SELECT s.floor, NULL::bytea, NULL::bytea, NULL::boolean FROM strongroom.store s
UNION ALL SELECT c.seq, c.key, NULL::bytea, c.shape FROM strongroom.changes c WHERE c.seq > $1
"""
NEWS, LOAD, SCAN, COMMIT = b"news", b"load", b"scan", b"commit"
STATEMENTS = {
    NEWS: _NEWS,
    LOAD: f"""
SELECT NULL::bigint, e.key, e.value, NULL::boolean FROM strongroom.entries e WHERE e.key = ANY ($2::bytea[])
UNION ALL {_NEWS}
""",  # noqa: S608  # same
    SCAN: f"""
SELECT NULL::bigint, k.key, NULL::bytea, NULL::boolean FROM (
  SELECT e.key FROM strongroom.entries e WHERE e.key >= $2::bytea AND e.key < $3::bytea
   ORDER BY e.key LIMIT $4::bigint) k
UNION ALL {_NEWS}
""",  # noqa: S608  # same
    COMMIT: "SELECT * FROM strongroom.commit_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
}

# Every statement is served by an index; a plan made once serves all its uses.
_SESSION = """
SET statement_timeout = '10s';
SET idle_in_transaction_session_timeout = '10s';
SET client_min_messages = warning;
SET default_transaction_isolation = 'read committed';
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET jit = off;
SELECT set_config('synchronous_commit', 'on', false)
 WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
"""


def lay_out(connection: PGconn, *, filled: bool = False) -> None:
    """Create the schema where there is none, whoever of several nodes is first. Blocks.

    Raises IntegrityFailure for a schema of a newer release or of something else, and, unless it is to
    be `filled`, for one into which a move has not finished; Unavailable.
    """
    if connection.server_version < OLDEST_SERVER:
        raise IntegrityFailure("the store needs PostgreSQL 13 or newer")
    run(connection, "SET client_min_messages = warning")
    run(connection, "BEGIN")
    run(connection, f"SELECT pg_advisory_xact_lock({LOCKS}, {SCHEMA_LOCK})")
    if ask(connection, "SELECT to_regnamespace('strongroom')") is None:
        run(connection, _TABLES)
        run(connection, _COMMIT)
    elif ask(connection, "SELECT to_regclass('strongroom.store')") is None:
        raise IntegrityFailure("the database has a schema 'strongroom' that is not a store")
    run(connection, "COMMIT")
    version = int(ask(connection, "SELECT version FROM strongroom.store") or b"0")
    if version < 0 and not filled:
        raise IntegrityFailure(
            "moving a store to this database did not finish: run 'strongroom migrate' again"
        )
    held = abs(version)
    if held > FORMAT:
        raise IntegrityFailure(
            f"the store has format {held} and this release reads up to {FORMAT}: start the newer release"
        )


def prepare(connection: PGconn) -> None:
    """Set up a session and its statements. Blocks. Raises Unavailable."""
    run(connection, _SESSION)
    for name, text in STATEMENTS.items():
        _checked(connection.prepare(name, text.encode()))


def hold(connection: PGconn, *, alone: bool = False) -> bool:
    """Say that the store is in use, for as long as this session lasts; False when that cannot be.

    Nodes share the right; who wants it `alone` gets it when no node is there, and keeps nodes out.
    """
    kind = "" if alone else "_shared"
    return ask(connection, f"SELECT pg_try_advisory_lock{kind}({LOCKS}, {USE_LOCK})") == b"t"


def position(connection: PGconn) -> tuple[str, int]:
    """The store's id and the number of its latest change. Blocks. Raises Unavailable."""
    found = ask(connection, "SELECT id FROM strongroom.store") or b""
    head = ask(connection, "SELECT COALESCE(max(seq), 0) FROM strongroom.changes") or b"0"
    return found.decode(), int(head)


def run(connection: PGconn, text: str) -> None:
    """Run statements. Blocks."""
    _checked(connection.exec_(text.encode()))


def ask(connection: PGconn, text: str) -> bytes | None:
    """Run a statement and return its first value as text. Blocks."""
    result = connection.exec_(text.encode())
    _checked(result)
    return result.get_value(0, 0) if result.ntuples else None


def state_of(result: PGresult) -> str:
    """The SQLSTATE of an error, which names its kind and holds no data."""
    field = result.error_field(DiagnosticField.SQLSTATE)
    return field.decode() if field else "unknown"


def _checked(result: PGresult) -> None:
    if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
        raise Unavailable(f"the database refused to prepare the store ({state_of(result)})")
