"""One invented endpoint, and everything that may stand before it, as processes of their own.

It measures nothing itself: `bench.gateway` and `bench.directive` do, each in one run.
"""
