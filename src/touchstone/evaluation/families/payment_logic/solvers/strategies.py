"""Scripted solvers of the ledger tasks."""

from touchstone.evaluation.families.claims.solving import claim_solvers

SOLVERS = claim_solvers(
    "payment-logic",
    "cat RULES.txt ledger.py",
    40,
    "Each rule could be wrong at the edge of a limit, in its rounding, or in what it counts. For "
    "each such slip I look for operations that would show it, ask the program, and take the fewest "
    "slips that explain all of its answers.",
)
