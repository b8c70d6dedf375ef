"""What solves generated items without the skill that they seem to ask for, and how alike they are.

A cheat learns from training items, answers included, and is then held to fresh ones. It knows how
the generator writes, as whoever reads its source does; it knows no seed.
"""
