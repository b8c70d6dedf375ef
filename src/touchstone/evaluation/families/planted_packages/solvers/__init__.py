"""Scripted solvers of the memory tasks; they know nothing of the generator or the judge."""
