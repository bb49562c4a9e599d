"""Audit devices: the sinks Vault knows (file, syslog, socket) and HTTP, fed from the log.

A device passes the log's line on as it is: Vault's audit entry in JSON, with its `seq`.
"""
