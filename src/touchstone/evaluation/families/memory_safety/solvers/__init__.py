"""Scripted solvers of the memory-safety tasks; they know nothing of the generator or the judge."""
