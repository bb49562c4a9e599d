"""The system's own mounts: `sys/` and `auth/token/`. The only handlers that may hold the core."""
