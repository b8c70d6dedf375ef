"""Estimates from a table of results that were run elsewhere. They decide nothing.

It records nothing and asks no endpoint.
"""
