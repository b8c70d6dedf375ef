"""What the gateway's contract tests share."""

import pytest


@pytest.fixture(autouse=True)
def upstream_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret that gateway.toml names."""
    monkeypatch.setenv("EXAMPLE_UPSTREAM_KEY", "sk-upstream")
