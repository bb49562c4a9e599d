"""Namespaces: what they are, where theirs is kept, and how a request finds the one it is for."""
