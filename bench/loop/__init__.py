"""The loop: from a pushed commit to a dead value."""
