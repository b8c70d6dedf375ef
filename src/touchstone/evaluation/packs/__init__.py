"""Packs: somebody's Inspect tasks, run in a process apart that holds no key and no other item.

What a pack's code says of its samples is kept as the pack's statement, with whose it is; nothing
here believes it, and nothing here makes a pack's owner honest.
"""
