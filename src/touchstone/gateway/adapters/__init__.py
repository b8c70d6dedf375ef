"""What a request asks for, in each API that is understood: model, reasoning setting, stream.

It decides nothing and opens no connection. What can be read in two ways is refused.

One call::

    >>> body = b'{"model": "subject", "messages": [], "reasoning_effort": "high"}'
    >>> OpenAI().read("/v1/chat/completions", body).setting
    'high'
"""

from touchstone.gateway.adapters.anthropic import Anthropic
from touchstone.gateway.adapters.base import Adapter, Admits, Ask, nothing
from touchstone.gateway.adapters.openai import OpenAI
from touchstone.gateway.adapters.renaming import renamed, with_fields
from touchstone.gateway.errors import RefusedError

__all__ = [
    "Adapter",
    "Admits",
    "Anthropic",
    "Ask",
    "OpenAI",
    "RefusedError",
    "nothing",
    "renamed",
    "with_fields",
]
