"""What the families have in common in which an answer is a set of claims, each with its proof.

A task is numbered parts by some terms, and a program that has none to three of them otherwise.
Such a family has a `model`: what parts come to, as a module of the standard library alone, which
the generator, the judge and the scripted solvers read alike.
"""
