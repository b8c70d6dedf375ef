import ssl

import pytest

from touchstone.evaluation.transport import trusted_certificates


def test_they_are_read_once_for_each_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    usual = trusted_certificates()
    assert trusted_certificates() is usual
    assert usual.verify_mode is ssl.CERT_REQUIRED
    assert usual.check_hostname
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    with pytest.raises(FileNotFoundError):
        trusted_certificates()
