"""Callers with the real OpenAI client, each reading a long answer as it comes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import openai

from touchstone.demo.access.gateway import MODEL, SECONDS, Place

LAST = 300
"""How far the model is asked to count: long enough for an order to come in between."""
WHOLE = "".join(f"{number}\n" for number in range(1, LAST + 1))


@dataclass
class DemoCaller:
    """One person's request and what came of it."""

    person: str
    heard: str = ""
    ended: str = ""
    """`whole`, or what ended it."""

    @property
    def whole(self) -> bool:
        """Whether the answer came to its end, byte by byte as the endpoint gives it."""
        return self.ended == "whole" and self.heard == WHOLE

    def read(self, where: Place) -> None:
        """Ask the model to count, and listen."""
        client = openai.OpenAI(
            # No second try: a client that asks again would hide that it was cut.
            base_url=where.url,
            api_key=where.keys[self.person],
            max_retries=0,
            timeout=SECONDS,
        )
        try:
            with (
                client,
                client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": f"Count to {LAST}."}],
                    stream=True,
                ) as stream,
            ):
                for chunk in stream:
                    for choice in chunk.choices:
                        self.heard += choice.delta.content or ""
            self.ended = "whole"
        except openai.APIStatusError as error:
            self.ended = f"refused: {error.message}"
        except Exception as error:  # noqa: BLE001 - a cut shows as whatever the client's transport says
            self.ended = f"cut: {type(error).__name__}"


@contextmanager
def calling(where: Place, people: tuple[str, ...]) -> Iterator[list[DemoCaller]]:
    """Callers at work, each in a thread; at the end of the block all have been heard out."""
    callers = [DemoCaller(person) for person in people]
    threads = [threading.Thread(target=each.read, args=(where,)) for each in callers]
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        for thread in threads:
            thread.join(SECONDS)
