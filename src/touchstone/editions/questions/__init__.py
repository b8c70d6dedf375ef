"""What is asked of a case on its own: how it stands, its clock, findings and designation.

Each question is a function of what the asker may read: the same on the installation's machine, from
its store, and on a party's own, from what was shown to it. It gives facts; only `case` says
some of them in the catalogue's words: the stage, the designation, and what happened.

Begin at `touchstone.editions.questions.clock`: `clock_shown(case, now)`.
"""
