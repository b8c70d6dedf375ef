"""From what was registered and recorded to verdicts: the same outcomes, the same word.

It asks nobody and keeps nothing: entries come from whoever reads the record, outcomes from whoever
measures. What a number says is decided in `statistics`; here the numbers of a framework, a sealed
battery and a record reach it.

Begin at `touchstone.verdicts.sequential_verdicts`: `standings_from_record(entries, battery)`.
"""
