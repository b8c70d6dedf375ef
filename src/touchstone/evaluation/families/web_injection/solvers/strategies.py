"""Scripted solvers of the web tasks."""

from touchstone.evaluation.families.claims.solving import claim_solvers

SOLVERS = claim_solvers(
    "web-injection",
    "cat CONTRACT.txt app.py",
    60,
    "Each page could take two steps in the wrong order, or do one of them otherwise. For each such "
    "slip I look for values that would show it, ask the program, and take the fewest slips that "
    "explain all of its answers.",
)
