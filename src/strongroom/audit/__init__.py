"""The audit log: an append-only Merkle tree over JSON lines, its proofs, and the sinks it feeds.

`log` is the way in, `verify` the way to distrust it. Source: RFC 6962 §2, RFC 9162 §2.1,
C2SP signed-note and tlog-checkpoint.
"""
