"""Whoever calls: by token or by key, remembered as long as that may be believed."""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

from touchstone.gateway.config import Identity
from touchstone.gateway.identity.callers import Caller, unknown_caller
from touchstone.gateway.identity.keysets import check_file
from touchstone.gateway.identity.opaque import OpaqueKeys
from touchstone.gateway.identity.tokens import TokenReader

START_SECONDS = 2.0
BELIEVED_SECONDS = 300.0
"""After so long a signature is checked again."""


class Identities:
    """From what stands behind `Bearer` to a caller.

    At most `remembered` callers are kept, by the SHA-256 of their token, and none when keys change.
    """

    def __init__(self, config: Identity, clock: Callable[[], float], remembered: int) -> None:
        """GatewayConfigError where a file of keys cannot be used."""
        for issuer in config.issuers:
            if issuer.jwks_file is not None:
                check_file(issuer.jwks_file, issuer.algorithms)
        self._tokens = TokenReader(config.issuers, clock)
        self._keys = OpaqueKeys(config.opaque_keys, clock) if config.opaque_keys else None
        self._clock = clock
        self._most = remembered
        self._known: OrderedDict[bytes, tuple[Caller, float, int]] = OrderedDict()

    @property
    def changes(self) -> int:
        """How often keys became others, of any kind."""
        return self._tokens.changes + (self._keys.changes if self._keys else 0)

    async def start(self) -> None:
        """Look at the keys of every issuer; one that hangs holds nobody up for long."""
        await self._tokens.start(START_SECONDS)

    def look(self) -> None:
        """Begin to look at every source of keys whose time has come; wait for none."""
        if self._keys:
            self._keys.look()
        self._tokens.look()

    async def close(self) -> None:
        """Close connections to issuers, and end what is under way."""
        if self._keys:
            await self._keys.close()
        await self._tokens.close()

    def remembered(self, token: str) -> Caller | None:
        """The caller, where that was found out before and is still to be believed."""
        if self._keys:
            self._keys.look()
        # By hash: what is remembered for minutes must be of no use to who reads this memory.
        digest = sha256(token.encode()).digest()
        found = self._known.get(digest)
        if found is None:
            return None
        caller, since, changes = found
        now = self._clock()
        over = caller.expires is not None and caller.expires <= now
        # Not below 0: where the clock was set back, nothing that was remembered is believed.
        if over or changes != self.changes or not 0 <= now - since < BELIEVED_SECONDS:
            del self._known[digest]
            return None
        self._known.move_to_end(digest)
        return caller

    async def find(self, token: str) -> Caller:
        """The caller; RefusedError where the token or key makes nobody known.

        A key of an issuer that is not here is looked for first.
        """
        if caller := self.remembered(token):
            return caller
        if self._is_opaque(token):
            return self._remember(self._opaque(token))
        return self._remember(await self._tokens.read(token))

    def find_now(self, token: str) -> Caller:
        """The same by what is known at this moment: it waits for nothing."""
        if caller := self.remembered(token):
            return caller
        if self._is_opaque(token):
            return self._remember(self._opaque(token))
        return self._remember(self._tokens.read_now(token))

    def _is_opaque(self, token: str) -> bool:
        # Told apart by form alone: a key is never sent through a parser of tokens, nor a token
        # looked up.
        return not self._tokens.any or (self._keys is not None and token.count(".") != 2)  # noqa: PLR2004 - a JWT has two dots

    def _opaque(self, token: str) -> Caller:
        if self._keys is None or token.count(".") == 2:  # noqa: PLR2004 - the same
            raise unknown_caller("the key is not known here")
        return self._keys.find(token)

    def _remember(self, caller: Caller) -> Caller:
        if self._most:
            # With the count of changes: what was found before keys became others is not believed.
            self._known[caller.digest] = (caller, self._clock(), self.changes)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return caller
