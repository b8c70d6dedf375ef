"""Generators of tasks: (seed, difficulty) -> item with files, prompt, judge and reference solution.

A family knows neither Inspect nor the sandbox: it makes bytes, and a judge script that replays an
answer on fresh files. Nothing here runs a model.
"""
