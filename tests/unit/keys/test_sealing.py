"""Sealed values and streams: they open whole, under their key, in their place, or not at all."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.keys import DataKey, MasterKey, SealError, SystemRandom, sealing

KEY = DataKey(bytes(range(32)))


def stream(data: bytes, about: bytes = b"here") -> bytes:
    return b"".join(KEY.seal_stream([data], about))


def opened(sealed: bytes, about: bytes = b"here") -> bytes:
    return b"".join(KEY.open_stream([sealed], about))


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_a_value_opens_in_its_place(data: bytes, about: bytes):
    assert KEY.open(KEY.seal(data, about), about) == data


@given(st.binary(max_size=60), st.data())
def test_any_flipped_byte_is_found(data: bytes, draw: st.DataObject):
    sealed = bytearray(KEY.seal(data, b"here"))
    sealed[draw.draw(st.integers(0, len(sealed) - 1))] ^= draw.draw(st.integers(1, 255))
    with pytest.raises(SealError):
        KEY.open(bytes(sealed), b"here")


def test_another_place_and_another_key_do_not_open():
    sealed = KEY.seal(b"data", b"here")
    with pytest.raises(SealError):
        KEY.open(sealed, b"there")
    with pytest.raises(SealError):
        DataKey(bytes(32)).open(sealed, b"here")
    with pytest.raises(SealError):
        KEY.open(b"short", b"here")


@pytest.mark.parametrize("chunk", [1, 7, 64])
@given(pieces=st.lists(st.binary(max_size=40), max_size=6), cut=st.integers(1, 50))
def test_a_stream_opens_however_it_is_cut(chunk: int, pieces: list[bytes], cut: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "CHUNK", chunk)
        sealed = b"".join(KEY.seal_stream(pieces, b"here"))
        parts = [sealed[i : i + cut] for i in range(0, len(sealed), cut)]
        assert b"".join(KEY.open_stream(parts, b"here")) == b"".join(pieces)


def test_a_stream_that_was_cut_doubled_swapped_or_moved_does_not_open(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(sealing, "CHUNK", 8)
    sealed = stream(b"0123456789abcdefghijklmn")
    salt, size = sealed[:32], 8 + 16
    one, two, three = (sealed[32 + i * size : 32 + (i + 1) * size] for i in range(3))
    assert opened(salt + one + two + three) == b"0123456789abcdefghijklmn"
    for wrong in (
        salt + one + two,
        salt + one + two + three[:-1],
        salt + one + one + two + three,
        salt + two + one + three,
        salt + one + two + three + three,
        salt,
        salt[:5],
        b"",
    ):
        with pytest.raises(SealError):
            opened(wrong)
    with pytest.raises(SealError):
        opened(sealed, b"there")


def test_a_stream_of_many_chunks_keeps_little_in_memory():
    largest = max(map(len, KEY.seal_stream((bytes(100_000) for _ in range(50)), b"")))
    assert largest <= sealing.CHUNK + 16


def test_a_case_key_opens_for_its_case_under_its_master_alone():
    master = MasterKey(SystemRandom().draw(32))
    key, wrapped = master.new_case_key("case-1")
    sealed = key.seal(b"data", b"")
    assert master.case_key("case-1", wrapped).open(sealed, b"") == b"data"
    with pytest.raises(SealError):
        master.case_key("case-2", wrapped)
    with pytest.raises(SealError):
        MasterKey(SystemRandom().draw(32)).case_key("case-1", wrapped)


def test_two_seals_of_one_value_differ():
    assert KEY.seal(b"data", b"") != KEY.seal(b"data", b"")
    assert stream(b"data") != stream(b"data")


def test_a_name_needs_the_key():
    assert KEY.name("a") == DataKey(bytes(range(32))).name("a")
    assert KEY.name("a") != DataKey(bytes(32)).name("a")
    assert KEY.name("a") != KEY.name("b")


def test_secrets_show_nowhere():
    secret = bytes(range(32))
    for key in (DataKey(secret), MasterKey(secret)):
        assert "00010203" not in repr(key)
        assert repr(secret)[2:20] not in repr(key)
        with pytest.raises(SealError):
            pickle.dumps(key)


def test_a_short_key_is_refused():
    with pytest.raises(SealError, match="32 bytes, not 31"):
        MasterKey(bytes(31))
