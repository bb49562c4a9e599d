"""`strongroom read`, `write`, `list` and `delete`: any path of the API."""
