"""What a scan does not count: inline markers, the reviewed ignore file, baselines."""
