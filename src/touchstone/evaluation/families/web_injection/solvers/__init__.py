"""Scripted solvers of the web tasks; they know nothing of the generator or the judge."""
