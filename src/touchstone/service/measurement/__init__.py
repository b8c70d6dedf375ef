"""What is measured and what follows: battery, seal, probes, chunks, outcomes, verdicts.

It writes nothing that an audience reads; see `touchstone.service.reporting`.
"""
