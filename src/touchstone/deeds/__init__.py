"""What a party does in a case, drafted and signed, wherever its machine stands: no record is here.

One function a type of deed, in a module a feature: from values, and a case of which no more is
known than `KnownCase` says, it gives the event with what goes with it. Whether the deed may be done
is for `review` to say, and it is recorded by `service` alone.

Begin at `touchstone.deeds.cases`: `review_halted(case, by, reason)`.
"""
