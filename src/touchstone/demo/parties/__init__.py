"""An invented case by many hands: each party on a machine and with keys of its own, one server.

Begin at `touchstone.demo.parties.story`: `run_parties(out, observer)`.
"""
