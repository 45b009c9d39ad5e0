"""Owns the development certificate that LAN=1 makes, so that a phone can speak TLS to this machine.

Self-signed, for this machine's addresses only, below the data directory. It is never for
production: there, TLS ends at the balancer or MUSTER_TLS_CERT names a real certificate.
"""

import ipaddress
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = timedelta(days=365)  # iOS refuses more than 825 days
_RENEW_BEFORE = timedelta(days=7)
_SOMEWHERE = ("192.0.2.1", 9)  # reserved for documentation: nothing is sent, only routed


def lan_address() -> str:
    """The address by which others on this network reach this machine, else 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(_SOMEWHERE)
        address: str = probe.getsockname()[0]
        return address
    return "127.0.0.1"


def development_certificate(directory: Path, address: str) -> tuple[Path, Path]:
    """(certificate, key) for this machine at `address`; made anew when the old one does not fit."""
    certificate, key = directory / "dev-cert.pem", directory / "dev-key.pem"
    if not (key.exists() and _fits(certificate, address)):
        _make(certificate, key, address)
    return certificate, key


def _fits(certificate: Path, address: str) -> bool:
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    there = ipaddress.ip_address(address) in names.get_values_for_type(x509.IPAddress)
    return there and found.not_valid_after_utc > datetime.now(UTC) + _RENEW_BEFORE


def _make(certificate: Path, key: Path, address: str) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Muster development")])
    addresses = {"127.0.0.1", address}
    names = [
        x509.DNSName("localhost"),
        *(x509.IPAddress(ipaddress.ip_address(each)) for each in sorted(addresses)),
    ]
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # a phone's clock may be behind
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # A phone only lets its owner trust a certificate that says it is an authority.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    text = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text)
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
