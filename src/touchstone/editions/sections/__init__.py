"""The sections of a report, each from the entries that its audience may read."""
