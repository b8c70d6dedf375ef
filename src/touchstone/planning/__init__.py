"""What a review will take and can tell, before anything runs: cost, samples, power, verdicts.

It asks no endpoint, records nothing and decides nothing; what earlier samples took and what is left
of the window are handed to it.

Begin at `touchstone.planning.forecasting`: `forecast(submission, framework, families, options,
    window, seen)`.
"""
