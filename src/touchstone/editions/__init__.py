"""What each audience reads: from the entries that it may read to one self-contained page.

It decides nothing, looks nothing up and writes no file: `service` reads the record and gives what
it found, and an edition shows what is withheld as withheld.

Begin at `touchstone.editions.gathering`: `gather(case, made_at, verification)`.
"""
