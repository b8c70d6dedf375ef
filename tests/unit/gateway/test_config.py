"""A gateway's configuration: what is taken, and one line with the fix for what is not."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from touchstone.gateway import config as configuration
from touchstone.gateway.config import GatewayConfig, load_config, parse_config
from touchstone.gateway.endpoints import Upstream
from touchstone.gateway.errors import GatewayConfigError
from touchstone.gateway.values import is_loopback

KEY = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
GOOD = f"""
format = "touchstone/gateway/1"
id = "gateway-1"

[pin]
key = "{KEY}"
stream = "example-model/production"

[feed]
folder = "bundles"

[identity]
opaque_keys = "keys.toml"

[[upstreams]]
model = "example-model"
variant = "final"
base_url = "http://127.0.0.1:9000/v1"
modes = {{ default = "instant", high = "thinking" }}
"""
OTHER = '[[upstreams]]\nvariant = "final"\n'
ISSUER = '[[identity.issuers]]\nissuer = "https://id.example"\naudience = "x"\n'


def parsed(text: str = GOOD) -> GatewayConfig:
    return parse_config(text, "gateway.toml", Path("/etc/gateway"))


def refusal(text: str) -> str:
    with pytest.raises(GatewayConfigError) as caught:
        parsed(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("gateway.toml: ")
    return str(caught.value)


def test_little_is_enough_and_it_listens_on_this_machine_only():
    found = parsed()
    assert (found.listen.host, found.admin.host) == ("127.0.0.1", "127.0.0.1")
    assert found.feed.folder == Path("/etc/gateway/bundles")
    assert found.identity.opaque_keys == Path("/etc/gateway/keys.toml")
    assert found.key_file == Path("/etc/gateway/state/keys/gateway.pem")
    assert (found.bundle_pin.key.hex(), found.bundle_pin.stream) == (KEY, found.pin.stream)
    assert found.upstreams[0].modes == {"default": "instant", "high": "thinking"}
    assert found.fleet is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[listen]\nworkrs = 4", 'key "listen": unknown key "workrs" (did you mean "workers"?)'),
        ("[listen]\nworkers = 0", 'key "listen", key "workers" is 0: write at least 1'),
        ('[listen]\nhost = "192.0.2.1"', "without TLS: add [listen.tls] with cert and key"),
        ('[admin]\nhost = "192.0.2.1"', "is not this machine: write 127.0.0.1"),
        ("[fleet]\nlease_seconds = 1.0", "write dsn_env or dsn_file, and not both"),
        ('[fleet]\ndsn_env = "postgresql://u:p@h/d"', "is not the name of a variable"),
        (
            f'{OTHER}model = "example-model"\nmode = "instant"\nbase_url = "http://127.0.0.1/v1"',
            'two upstreams have the model "example-model": take one out',
        ),
        (
            f'{OTHER}model = "other"\nmode = "instant"\nbase_url = "http://models.example/v1"',
            "base_url goes over a network without TLS",
        ),
        (
            f'{OTHER}model = "other"\nbase_url = "http://127.0.0.1/v1"',
            "write mode (the only one) or [upstreams.modes], and not both",
        ),
        (f'{ISSUER}algorithms = ["none"]\njwks_file = "j.json"', 'is "none"'),
        (
            f'{ISSUER}jwks_url = "http://id.example/keys"',
            "goes over a network without TLS: write https://",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_mend(more: str, said: str):
    assert said.replace("'", '"') in refusal(f"{GOOD}\n{more}\n").replace("'", '"')


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (KEY, KEY[:-2], "is not an Ed25519 public key: write its 64 hex digits"),
        (KEY, "01" + "00" * 31, "is a key for which anyone can sign"),
        ('folder = "bundles"', "", "name a folder, a url, or both"),
        ('folder = "bundles"', 'url = "http://lab.example"', "write https://"),
        ('folder = "bundles"', 'url = "https://u:p@lab.example"', "holds a user"),
        ('folder = "bundles"', 'url = "https://["', "is not a URL"),
        ('opaque_keys = "keys.toml"', "", "nobody could call"),
        ('id = "gateway-1"', 'id = "Gateway 1"', "is no id"),
        ('id = "gateway-1"', "", 'the key "id" is missing: add it'),
        ('variant = "final"', 'variant = "a b"', "is no name"),
    ],
)
def test_a_bad_value_is_named(old: str, new: str, said: str):
    assert said in refusal(GOOD.replace(old, new))


JUDGED = [
    "Store",
    "Reasoning_Effort",
    "reasoningEffort",
    "thinkingConfig",
    "thinking_token_budget",
    "lora_path",
    "lora_request",
    "adapter_id",
    "messages.Reasoning_Effort",
    "options.Store",
    "Model",
    "enableThinking",
    "chatTemplateKwargs",
    "ExtraBody",
    "mcpServers",
    "mode",
    "models",
    "fallbackModels",
    "Background",
    "FileId",
    "previousResponseId",
    "include_reasoning",
]


@pytest.mark.parametrize("name", JUDGED)
def test_what_is_judged_is_admitted_in_no_spelling(name: str):
    assert "is judged by the gateway" in refusal(f'{GOOD}fields = ["{name}"]\n')
    if "." not in name:
        assert "is judged by the gateway" in refusal(f'{GOOD}query = ["{name}"]\n')


@pytest.mark.parametrize("name", ["x-reasoning-effort", "model", "enable-thinking", "store"])
def test_what_is_judged_is_admitted_in_no_header(name: str):
    assert "is judged by the gateway" in refusal(f'{GOOD}headers = {{ {name} = ["a"] }}\n')


def test_what_sets_no_mode_can_be_admitted():
    fields = (
        "top_k",
        "min_p",
        "repetition_penalty",
        "guided_json",
        "stop_token_ids",
        "ignore_eos",
        "messages.prefix",
        "options",
        "exploration",
        "presets_seen",
        "restore",
        "modality",
    )
    query = ("limit", "after", "after_id", "before_id", "beta", "api-version")
    more = f'fields = {list(fields)}\nquery = {list(query)}\nheaders = {{ anthropic-beta = ["a"] }}'
    found = parsed(f"{GOOD}{more}\n".replace("'", '"')).upstreams[0]
    assert (found.fields, found.query) == (fields, query)


def test_a_network_needs_tls_or_the_word_insecure():
    host = '[listen]\nhost = "192.0.2.1"\n'
    assert parsed(f"{GOOD}{host}insecure = true").listen.insecure
    tls = parsed(f'{GOOD}{host}[listen.tls]\ncert = "c.pem"\nkey = "k.pem"').listen.tls
    assert tls is not None
    assert tls.cert == Path("/etc/gateway/c.pem")


def test_twin_without_the_look_at_the_host_a_network_is_served_in_the_clear(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(configuration, "is_loopback", lambda _host: True)
    assert parsed(f'{GOOD}[listen]\nhost = "192.0.2.1"').listen.host == "192.0.2.1"


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("192.0.2.1", False),
        ("::", False),
        ("10.0.0.1", False),
        ("gateway.example", False),
        ("", False),
    ],
)
def test_what_loopback_is(host: str, near: bool):
    assert is_loopback(host) is near


def test_secrets_come_from_a_variable_or_a_closed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def upstream(**more: Any) -> Upstream:
        return parsed().upstreams[0].model_copy(update=more)

    assert upstream().api_key() is None
    with pytest.raises(GatewayConfigError, match="the variable UP_KEY is not set"):
        upstream(api_key_env="UP_KEY").api_key()
    monkeypatch.setenv("UP_KEY", "s3cret")
    assert upstream(api_key_env="UP_KEY").api_key() == "s3cret"
    tmp_path.chmod(0o700)
    file = tmp_path / "key"
    file.write_text("s4cret\n")
    file.chmod(0o644)
    with pytest.raises(GatewayConfigError, match="chmod 600"):
        upstream(api_key_file=file).api_key()
    file.chmod(0o600)
    assert upstream(api_key_file=file).api_key() == "s4cret"
    file.write_text("\n")
    with pytest.raises(GatewayConfigError, match="is empty"):
        upstream(api_key_file=file).api_key()


@pytest.mark.parametrize("key", ["s3cret\n", "s3\ncret", "s3\tcret", "s3créт"])
def test_a_key_that_no_header_carries_is_found_at_the_start(
    key: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("UP_KEY", key)
    upstream = parsed().upstreams[0].model_copy(update={"api_key_env": "UP_KEY"})
    with pytest.raises(GatewayConfigError, match="one line of ASCII") as found:
        upstream.api_key()
    assert key not in str(found.value)


def test_a_file_that_is_none(tmp_path: Path):
    with pytest.raises(GatewayConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "none.toml")
    file = tmp_path / "gateway.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(GatewayConfigError, match="is not UTF-8"):
        load_config(file)
    file.write_text(GOOD)
    assert load_config(file).state == tmp_path / "state"


def test_every_key_is_documented():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "gateway.md").read_text("utf-8")
    models: list[type[BaseModel]] = [GatewayConfig, *configuration._TABLES.values()]
    keys = {name for model in models for name in model.model_fields}
    assert [key for key in sorted(keys) if f"`{key}`" not in page and f"[{key}]" not in page] == [
        "issuers"
    ]
    assert "[[identity.issuers]]" in page
