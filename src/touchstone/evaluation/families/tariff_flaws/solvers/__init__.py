"""Scripted solvers of the tariff tasks; they know nothing of the generator or the judge."""
