"""Storage in PostgreSQL: the same contract for several server nodes, all active. See `docs/ha.md`."""

from strongroom.storage.postgresql.storage import PostgresqlStorage

__all__ = ["PostgresqlStorage"]
