"""Runs held against one another, item by item: a case's own, and the developer's of the same."""
