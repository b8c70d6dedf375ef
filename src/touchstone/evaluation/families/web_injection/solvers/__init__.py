"""Scripted solvers of the web-injection tasks; they know nothing of the generator or the judge."""
