"""Labelled transcripts: clean ones, near misses, and ones with a planted property, easy and hard.

What detectors find of them is their measured power. All plants are ours: they show what is missed
at least, and not how often a real model's words would be found.
"""
