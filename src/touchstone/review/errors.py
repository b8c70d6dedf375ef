"""What the review room raises.

TouchstoneError
├── BadInputError
│   └── BadEventError     a fact is missing, ill-formed or of an unknown type
└── AnswerIsNoError
    ├── MissingPartError  the record lacks what would be needed to go on
    └── Refused           the deed is well-formed, but not for this party at this time
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from touchstone.errors import AnswerIsNoError, BadInputError


class BadEventError(BadInputError):
    """An event cannot be read or does not fit its case; the text names the field and the fix.

    For programs there is `code`, of `wording.FAULTS`, and `data`: what the text tells. `kept` is
    the text without `aside`, which may repeat what a part holds: whoever has the part may read it,
    and no log or answer keeps it, as those outlive a destruction of the case.
    """

    def __init__(
        self,
        text: str,
        code: str,
        data: Mapping[str, Any] = MappingProxyType({}),
        *,
        aside: str = "",
    ) -> None:
        super().__init__(f"{text}: {aside}" if aside else text)
        self.kept = text
        self.code = code
        self.data: Mapping[str, Any] = MappingProxyType(dict(data))


class MissingPartError(AnswerIsNoError):
    """What an entry's type says goes with it is not there, erased, or not to be understood."""


class Refused(AnswerIsNoError):  # noqa: N818  a refusal is an answer, not an error
    """A deed that may not be done; the text says who may do it and when.

    For programs there is `code`, of `wording.SENTENCES`, and `data`: what the text tells, the
    deed's type among it, and its roles and statuses where those are known.
    """

    def __init__(
        self, reason: str, code: str, data: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.data: Mapping[str, Any] = MappingProxyType(dict(data))
