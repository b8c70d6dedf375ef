"""Whoever wants to see heads: cosigns checkpoints that extend the last one it saw, as C2SP has it.

Both sides are here: the witness, which any party runs, and what an installation asks witnesses
with. It sees sizes, hashes and keys of an installation's log, and nothing of any case.

Begin at `touchstone.witness.cosigning`: `Cosigner(state, signer, name, logs)`.
"""
