"""Auto-unseal: key files and hardware modules, the recovery keys, and a server that opens itself."""
