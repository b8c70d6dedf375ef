"""Cost and power of a review before anything runs: samples, tokens, money, days, verdicts.

It asks no endpoint, records nothing and decides nothing.
"""
