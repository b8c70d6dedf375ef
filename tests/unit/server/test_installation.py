"""What an installation says of itself to anybody."""

import json

from django.test import Client

from touchstone.ledger import KeyHistory, open_checkpoint
from touchstone.server.serving import Serving


def test_an_installation_shows_its_keys_and_a_checkpoint_under_them(
    client: Client, serving: Serving
):
    response = client.get("/v1/installation")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    said = json.loads(response.content)
    keys = KeyHistory.parse([line.encode() for line in said["keys"]])
    assert keys.lines == serving.here.keyring.history.lines
    assert open_checkpoint(said["checkpoint"], keys.origin, [keys.current]).size == 0
    assert said["consistency"] == []
