"""A whole review: what it needs, its story from hand-in to editions, and what it has to show.

It stands on the other features: `cases` opens, `measurement` measures, `reporting` issues.
"""
