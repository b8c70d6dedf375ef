"""What answers parties over HTTP: it asks who speaks, and hands on; it adds no law of its own.

Begin at `touchstone.server.app`: `Application(serving)`.
"""
