"""Vkeys: a name and a key as one word."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.ledger import MalformedError, VerifierKey, parse_vkey
from touchstone.ledger.notes import COSIGNATURE_V1, ED25519

# The example of golang.org/x/mod/sumdb/note, from which C2SP's signed-note comes.
KNOWN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
OTHERS = ("log.example/aics-1+d34caeba+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU",)


@pytest.mark.parametrize("text", [KNOWN, *OTHERS])
def test_known_vkeys_are_read_and_written(text: str):
    key = parse_vkey(text, ED25519)
    assert (key.name, len(key.public_key)) == (text.partition("+")[0], 32)
    assert str(key) == text


@given(
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1).filter(lambda t: "+" not in t),
    st.sampled_from([ED25519, COSIGNATURE_V1]),
    st.binary(min_size=32, max_size=32).filter(lambda key: any(key[1:31])),
)
def test_every_vkey_is_read_as_it_was_written(name: str, kind: int, public_key: bytes):
    key = VerifierKey(name, kind, public_key)
    assert parse_vkey(str(key), kind) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann",
        KNOWN.replace("c74f", "C74F"),
        KNOWN.replace("c74f20a3", "c74f20a4"),
        KNOWN.replace("Peter", "Petra"),
        KNOWN.replace("+c7", " +c7"),
        KNOWN + "\n",
        KNOWN[:-4],
        "a\u200b" + KNOWN,
        "\udcff" + KNOWN,
        str(VerifierKey("a", ED25519, bytes(32))),
        str(VerifierKey("a", ED25519, b"k" * 31)),
        str(VerifierKey("a", COSIGNATURE_V1, b"k" * 32)),
        f"a+00000000+{b64encode(b'').decode()}",
    ],
    ids=ascii,
)
def test_what_is_no_vkey_of_a_log_is_refused(text: str):
    with pytest.raises(MalformedError):
        parse_vkey(text, ED25519)
