"""The how-to's own program and settings run as they stand."""

import runpy
import tomllib
from pathlib import Path

import pytest

from support.gateway_loop import ALLIES, DOMESTIC, SIGNER, STREAM, config_text
from support.recipes import recipe, with_ports
from support.terms_files import REGISTRY, terms
from touchstone.gateway.config import DecisionListener, parse_config
from touchstone.terms import Pin, accept_bundle, build_bundle, position
from touchstone.terms.errors import PolicyBundleError

PAGE = "how-to/decide-without-a-proxy.md"


def lay_out(folder: Path) -> None:
    (folder / "developer.pub").write_text(SIGNER.public_key.hex() + "\n")
    (folder / "bundles").mkdir()
    after = None
    for number, rules in enumerate([[DOMESTIC], [DOMESTIC, ALLIES]], start=1):
        data = build_bundle(
            stream=STREAM,
            issued=1,
            terms=terms(*rules),
            registry=REGISTRY,
            signer=SIGNER,
            after=after,
        )
        after = position(accept_bundle(data, Pin(SIGNER.public_key, STREAM), after))
        (folder / "bundles" / f"{number:06}.bundle").write_bytes(data)
    (folder / "own_gateway.py").write_text(recipe(PAGE, "own_gateway.py"))


def test_the_program_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = runpy.run_path("own_gateway.py")
    assert capsys.readouterr().out.startswith("True domestic ")
    assert found["gate"].position.number == 2


def test_the_program_stops_at_a_forged_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lay_out(tmp_path)
    path = tmp_path / "bundles" / "000002.bundle"
    path.write_bytes(path.read_bytes().replace(b"allies", b"allied", 1))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PolicyBundleError):
        runpy.run_path("own_gateway.py")


def test_the_settings_are_taken():
    added = recipe(PAGE, "gateway.toml")
    assert {*tomllib.loads(added)} == {"decisions"}
    text = config_text(Path("place"), "http://127.0.0.1:9000") + added
    config = parse_config(text, "gateway.toml", Path())
    assert config.decisions == DecisionListener(host="127.0.0.1", port=8445)


def test_a_recipe_that_is_gone_is_seen():
    with pytest.raises(LookupError, match="0 blocks"):
        recipe(PAGE, "gone.conf")
    with pytest.raises(LookupError, match="no port"):
        with_ports("listen 8080;", {8080: 1, 9000: 2})
    assert with_ports("18080 8080;", {8080: 1}) == "18080 1;"
