"""The server process: configuration, listening, assembly. The only package that names every engine."""
