"""Answering a sample that runs again after a death from what it was answered before."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

from touchstone.evaluation.adjudication import SampleFacts
from touchstone.evaluation.endpoint_watch import EndpointFault, EndpointWatch
from touchstone.evaluation.errors import JournalError
from touchstone.evaluation.kept_answers import (
    DifferingRequestError,
    HeardAnswer,
    KeptAnswers,
    request_digest,
)
from touchstone.evaluation.running_sample import running_index


class ResumingWatch(EndpointWatch):
    """Keeps what each sample of a chunk is answered, and gives it again where it runs again."""

    def __init__(self) -> None:
        self._kept: KeptAnswers | None = None
        """Where it is kept; None: nowhere."""

    @abstractmethod
    def _current(self) -> SampleFacts | None:
        """What is known of the sample that runs here."""

    @abstractmethod
    def _fail(self, error: Exception) -> None:
        """Fail the whole run."""

    def held(self) -> Mapping[int, int]:
        """How many answers are kept, by sample."""
        return self._kept.held if self._kept is not None else {}

    def let_go_of_answers(self, interrupted: Collection[int]) -> None:
        """Drop what was kept, unless a sample was begun that still has no outcome."""
        # What has not begun has no answers, and what has its outcome needs them no longer.
        if self._kept is not None and not interrupted:
            self._kept.drop()

    def spoilt(self) -> str:
        """What is wrong with what was kept, to be put behind another word; else an empty text."""
        altered = self._kept.altered if self._kept is not None else ""
        return f" (of the answers that were kept {altered})" if altered else ""

    def kept(self, request: Mapping[str, Any]) -> HeardAnswer | None:
        """What this request was answered in an earlier execution; another one loses the sample."""
        index, facts = running_index(), self._current()
        if self._kept is None or index is None or facts is None:
            return None
        try:
            found = self._kept.take(index, request_digest(request))
        except DifferingRequestError:
            facts.cause = "engine"
            facts.fault = f"resumed, and asked otherwise at call {facts.calls + 1} than before"
            raise EndpointFault(facts.fault, retryable=False) from None
        except JournalError as error:
            facts.cause, facts.fault = "engine", str(error)
            raise EndpointFault(facts.fault, retryable=False) from None
        facts.again = found is not None
        return found

    def keep(self, request: Mapping[str, Any], exchange: HeardAnswer) -> None:
        """Keep an answer before the sample hears of it; what cannot be kept fails the run."""
        index = running_index()
        if self._kept is None or index is None:
            return
        try:
            self._kept.keep(index, request_digest(request), exchange)
        except JournalError as error:
            self._fail(error)
            raise EndpointFault(str(error), retryable=False) from None
