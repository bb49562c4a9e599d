"""Archives and documents: opened in memory, to a depth, within a budget. Nothing is written to disk."""
