"""Inspect logs that others made: what they say, read apart and within bounds.

It takes nothing in them for a measurement. Begin at `reading.read_outside_log`.
"""
