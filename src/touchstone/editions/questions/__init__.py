"""What is asked of a case on its own: how it stands, its clock, findings and designation.

Each question is a function of what the asker may read: the same on the installation's machine, from
its store, and on a party's own, from what was shown to it. It gives facts, and sentences only for
what happened.

Begin at `touchstone.editions.questions.clock`: `clock_shown(case, now)`.
"""
