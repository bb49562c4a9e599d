"""Running it: the log, the deployment files, upgrades."""
