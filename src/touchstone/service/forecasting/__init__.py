"""What a review will cost and can tell, before anything runs: samples, tokens, money, days, power.

It asks no endpoint, records nothing and decides nothing.
"""
