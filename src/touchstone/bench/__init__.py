"""Ratio tables: what Touchstone costs next to bare work and next to peers, measured in one run.

It judges nothing but its own goals, and it prints nothing: the command line renders the tables.

Begin at `touchstone.bench.run`: `run_benches("ledger")`.
"""
