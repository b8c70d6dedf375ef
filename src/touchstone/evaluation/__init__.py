"""How a model is measured: submissions, batteries, sandboxes, workers, on Inspect.

It decides nothing about a case and writes no record: outcomes go up to `service` through ports.
"""
