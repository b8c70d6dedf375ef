"""What is asked for: a variant and a mode of the terms, and how a request is read to find them."""

from collections.abc import Sequence
from dataclasses import dataclass

from touchstone.gateway.adapters import Admits, Ask, RefusedError
from touchstone.gateway.endpoints import Upstream
from touchstone.gateway.enforcing.requests import ROUTES
from touchstone.gateway.enforcing.upstreams import ModelRoute, would_store


@dataclass(frozen=True, slots=True)
class Question:
    """May somebody have this? All words are those of the terms."""

    variant: str
    mode: str
    purpose: str | None = None


class RequestReader:
    """Reads requests as the gateway would, to judge what somebody else forwards."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        # No key: nothing is sent upstream from here.
        self._offers: dict[tuple[str, str], ModelRoute] = {
            (each.protocol, each.model): ModelRoute(each, {}) for each in upstreams
        }

    def read(
        self,
        path: str,
        body: bytes,
        purpose: str | None = None,
        named: list[ModelRoute] | None = None,
    ) -> Question:
        """What a POST of `body` to `path` asks for. Into `named` goes the model that it names.

        Raises RefusedError where that cannot be told, or where the name that the caller wrote is
        not the name by which the upstream knows the model: nobody here can put in the other.
        """
        adapter = ROUTES.get(path)
        if adapter is None:
            raise RefusedError(404, "unknown_path", "there is no such path here")
        offers = self._offers

        def admitted(model: str) -> Admits:
            if (adapter.name, model) not in offers:
                raise RefusedError(404, "model_not_found", "there is no such model here")
            offer = offers[adapter.name, model]
            # For the refusal: whether the caller may use it at all decides what they are told.
            if named is not None:
                named.append(offer)
            return offer.admits

        ask = adapter.read(path, body, admitted)
        offer = offers[adapter.name, ask.model]
        # Another program forwards the body, and nobody on the way could put in the other name.
        check_name(offer.upstream)
        check_store(offer.upstream, path, ask)
        return Question(offer.upstream.variant, offer.mode(ask), purpose)


def check_store(upstream: Upstream, path: str, ask: Ask) -> None:
    """RefusedError where an answer would be stored under a key that all callers share."""
    if would_store(ask, path) and not upstream.stores_per_caller:
        raise RefusedError(
            403, "stored", 'the answer would be stored for others to read: write "store": false'
        )


def check_name(upstream: Upstream) -> None:
    """RefusedError where what is forwarded would name another model than was judged."""
    if upstream.upstream_model not in {None, upstream.model}:
        raise RefusedError(
            403, "model_renamed", "this model has another name upstream: ask the gateway for it"
        )
