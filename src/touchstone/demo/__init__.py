"""Invented cases from beginning to end, offline: a whole review, and a June of directives.

Everything in them is what a real review does; only the parties and the subject are invented.

Begin at `touchstone.demo.story`: `run_demo(out, items, observer)`.
"""
