"""Subjects with planted properties, run as a model is run, to measure what the instrument sees.

What is planted, and in which sample, is data: `plants` and `trials` write it from a seed, a control
plays it over HTTP, and `running` runs it by the engine that runs reviews. The truth stays here.
"""
