"""Backups: the file and what it holds, and the places where such files are kept."""
