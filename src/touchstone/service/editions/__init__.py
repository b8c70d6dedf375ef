"""What each audience reads: facts gathered from the record, put in words, written as pages.

It changes no case: what stands here was recorded before.
"""
