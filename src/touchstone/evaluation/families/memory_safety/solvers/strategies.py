"""Scripted solvers of the memory tasks."""

from touchstone.evaluation.families.claims.solving import claim_solvers

SOLVERS = claim_solvers(
    "memory-safety",
    "cat LAYOUT.txt program.c",
    60,
    "Each record could go wrong at its bound, in its direction, or in what it counts. For each "
    "such slip I look for records that would show it, ask the program, and take the fewest slips "
    "that explain all of its answers.",
)
