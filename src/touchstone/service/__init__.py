"""What parties do through this installation: it wires the ports, and is the only writer.

It decides nothing itself: `review` says what may happen, `statistics` what the numbers say.

Begin at `touchstone.service.reviews.reviewing`: `run_review(installation, path,
    out, options, observer)`.
"""
