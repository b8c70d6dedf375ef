"""What a request asks for, in each API that is understood: model, reasoning setting, stream.

It decides nothing and opens no connection. What can be read in two ways is refused.
"""

from touchstone.gateway.adapters.anthropic import Anthropic
from touchstone.gateway.adapters.base import Adapter, Ask
from touchstone.gateway.adapters.openai import OpenAI
from touchstone.gateway.adapters.renaming import renamed
from touchstone.gateway.errors import RefusedError

__all__ = ["Adapter", "Anthropic", "Ask", "OpenAI", "RefusedError", "renamed"]
