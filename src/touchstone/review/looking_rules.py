"""The rows of the rules about looks at transcripts: by detectors, and by models that are asked."""

from collections.abc import Mapping

from touchstone.review.events import detecting
from touchstone.review.events.base import Event
from touchstone.review.guards import looking, sampling
from touchstone.review.rule import OPEN, Rule
from touchstone.review.topics import by_machine

# Open while halted, as outcomes are: what is looked at has run already.
LOOKING_RULES: Mapping[type[Event], Rule] = {
    detecting.TranscriptsScanned: Rule(
        ("centre",),
        OPEN,
        (
            sampling.battery_is_sealed,
            looking.transcripts_are_those_recorded,
            looking.scan_tells_more,
        ),
        topics=by_machine(),
    ),
    detecting.TranscriptsGraded: Rule(
        ("centre",),
        OPEN,
        (
            sampling.battery_is_sealed,
            looking.transcripts_are_those_recorded,
            looking.grading_tells_more,
        ),
        topics=by_machine(),
    ),
}
