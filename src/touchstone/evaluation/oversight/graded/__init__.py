"""Detectors that are questions to another model, each with an error that was measured.

What reads transcripts runs apart and holds no key; what holds the key reads texts alone. A grader
flags as a detector does, and clears nothing: an answer that is none is no "no".
"""
