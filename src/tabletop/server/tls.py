"""TLS: the user's certificate, or one that the server makes for this machine and keeps in its data directory."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tabletop.base.clock import Clock, system_clock
from tabletop.base.errors import StartupError
from tabletop.base.files import private_directory, write_atomically, write_private

SELF_MADE_DAYS = 825
"""Longer ones are refused by some clients."""
_RENEW_BEFORE_S = 30 * 86_400


def server_context(
    certificate: Path | None, key: Path | None, directory: Path, *, clock: Clock = system_clock
) -> ssl.SSLContext:
    """A context for listening. Without ``certificate``, one is made in ``directory``/tls. Raises StartupError."""
    if certificate is None or key is None:
        certificate, key = _self_made(directory, clock())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise StartupError(f"the certificate {certificate} with the key {key} cannot be used: {error}") from error
    return context


def _self_made(directory: Path, now: float) -> tuple[Path, Path]:
    folder = private_directory(directory / "tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if not (certificate.exists() and key.exists() and _is_fresh(certificate, now)):
        _make(certificate, key, now)
    return certificate, key


def _is_fresh(certificate: Path, now: float) -> bool:
    from cryptography import x509

    try:
        return (
            x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
            > now + _RENEW_BEFORE_S
        )
    except ValueError:
        return False


def _make(certificate: Path, key: Path, now: float) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tabletop on this machine")])
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("*.localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    start = datetime.fromtimestamp(now, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - timedelta(days=1))
        .not_valid_after(start + timedelta(days=SELF_MADE_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # A user who trusts this file trusts this server only: without CA rights it can vouch for no other.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private_key, hashes.SHA256())
    )
    write_private(
        key,
        private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    write_atomically(certificate, made.public_bytes(serialization.Encoding.PEM))
