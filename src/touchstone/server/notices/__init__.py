"""Telling people that deeds wait for their institution: by mail, by webhook, in a calendar.

Begin at `touchstone.server.notices.noticing`: `note_what_waits(installation, now)`.
"""
