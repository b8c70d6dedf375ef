"""Which bundle a gateway obeys: the newest of an unbroken chain, and never an older one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from touchstone.errors import TouchstoneError
from touchstone.ledger import MalformedError
from touchstone.terms import (
    Decider,
    Pin,
    PolicyBundle,
    PolicyBundleError,
    Position,
    TermsFileError,
    accept_bundle,
    position,
)

_REMEMBERED = 256
"""Refused candidates that are not told of again."""


@dataclass(frozen=True, slots=True)
class RejectedBundle:
    """A candidate that must not be obeyed: the bundle in force stays."""

    reason: str
    """`forged`, `foreign`, `replayed`, `out-of-order`, or `unreadable`: signed, but not usable."""
    text: str
    new: bool
    """Whether these bytes were not refused before: only then is there something to tell."""


class BundleAcceptance:
    """Takes candidates, and lets through only the next bundle of the pinned developer.

    `keep` is called with what is let through before it counts: once it returned, the bundle is
    durable, and a restart does not go behind it.
    """

    def __init__(
        self,
        pin: Pin,
        keep: Callable[[bytes, PolicyBundle], None],
        current: PolicyBundle | None = None,
    ) -> None:
        self._pin = pin
        self._keep = keep
        self._told: dict[bytes, None] = {}
        self.current = current
        self.accepted = 0
        self.refused: Counter[str] = Counter()
        """How many different candidates were refused, by reason."""

    @property
    def position(self) -> Position | None:
        """Where it stands; None: it has taken no bundle."""
        return position(self.current) if self.current else None

    @property
    def next_number(self) -> int | None:
        """The one bundle that it can take next; None: any, since none was taken yet."""
        return self.current.number + 1 if self.current else None

    def offer(self, data: bytes) -> PolicyBundle | RejectedBundle:
        """Take the bundle, or say why not. It is kept before it is current."""
        try:
            bundle = accept_bundle(data, self._pin, self.position)
            # A policy that Cedar refuses would stop every worker.
            Decider(bundle.policy)
        except PolicyBundleError as error:
            return self._refuse(error.reason, error, data)
        except (MalformedError, TermsFileError) as error:
            return self._refuse("unreadable", error, data)
        # Durable before it counts: after a crash no older one may be obeyed (ADR 107).
        self._keep(data, bundle)
        self.current = bundle
        self.accepted += 1
        return bundle

    def _refuse(self, reason: str, error: TouchstoneError, data: bytes) -> RejectedBundle:
        # By content: the same bad file is looked at every second, and is one piece of news.
        digest = sha256(data).digest()
        new = digest not in self._told
        if new:
            self.refused[reason] += 1
            self._told[digest] = None
            # A feed that gives something else each time must not fill the memory.
            if len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]
        return RejectedBundle(reason, str(error), new)
