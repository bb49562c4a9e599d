"""Jobs: how many run in a second, and what sleeping ones cost."""
