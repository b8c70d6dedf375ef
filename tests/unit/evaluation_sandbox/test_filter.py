"""The filter's lists agree with each other and with this machine's libseccomp."""

import pytest

from touchstone.evaluation.sandbox import seccomp

try:
    import pyseccomp
except RuntimeError:
    pytest.skip("not run: needs libseccomp (Debian: libseccomp2)", allow_module_level=True)

# Names that libseccomp 2.5 does not know yet.
NEWER = {"futex_waitv", "fchmodat2"}


def test_no_call_is_both_allowed_and_refused():
    refused = seccomp.ATTACKS | seccomp.ATTEMPTS | set(seccomp.REFUSED)
    assert seccomp.ALLOWED & refused == frozenset()
    assert frozenset() == seccomp.ATTACKS & seccomp.ATTEMPTS
    assert {
        "socket",
        "clone",
        "clone3",
        "personality",
        "mknod",
        "seccomp",
        "memfd_create",
        "io_uring_setup",
        "shmget",
        "pidfd_getfd",
    } & seccomp.ALLOWED == set()


def test_every_noticed_call_is_known_by_number():
    built = seccomp.build_filter()
    native = pyseccomp.Arch.NATIVE
    known = {
        name
        for name in seccomp.ATTACKS | seccomp.ATTEMPTS | {"socket", "clone"}
        if pyseccomp.resolve_syscall(native, name) >= 0
    }
    assert set(built.names.values()) == known
    assert len(built.code) % 8 == 0
    assert len(built.code) // 8 < 4096


def test_every_name_is_spelled_right():
    # -1 is "never heard of"; other negatives are "not on this architecture".
    names = (seccomp.ALLOWED | seccomp.ATTACKS | seccomp.ATTEMPTS | set(seccomp.REFUSED)) - NEWER
    native = pyseccomp.Arch.NATIVE
    assert {name for name in names if pyseccomp.resolve_syscall(native, name) == -1} == set()
