"""Mutants of the pure rooms: small wrong changes that some test must notice.

`operators` makes them from the syntax tree, `touch` measures which tests reach which line, `trial`
runs those tests on a copy that holds one mutant, `campaign` draws mutants by a seed and keeps the
count, `reasons` reads why a mutant that no test can notice is none. ADR 0170.
"""
