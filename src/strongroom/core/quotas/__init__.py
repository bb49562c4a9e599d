"""Quotas: how often requests may come, and how many leases there may be, by path, role and namespace."""
