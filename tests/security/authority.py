"""A certificate authority of the tests' own, made anew for each run, and the files it signs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

__all__ = ["Authority", "Pair"]


class Pair:
    """The files of one certificate: itself, with what stands between it and its CA, and its key."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate = certificate
        self.key = key


class Authority:
    """A CA, and the certificates that it signs, as files in a folder of its own.

    Args:
        place: The folder; its files are open to servers that run as another user.
    """

    def __init__(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)
        self._place = place
        self._authority = trustme.CA()
        self.file = place / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def sign(self, name: str, *hosts: str, days: float = 2) -> Pair:
        """Sign a certificate.

        Args:
            name: What its files are called.
            hosts: The hosts it is for.
            days: How long it is valid; less than zero: it ended so long ago.
        """
        now = datetime.now(UTC)
        begin = now - timedelta(days=30)
        signed = self._authority.issue_cert(
            *hosts, not_before=begin, not_after=now + timedelta(days=days)
        )
        pair = Pair(self._place / f"{name}.pem", self._place / f"{name}.key")
        chain = b"".join(part.bytes() for part in signed.cert_chain_pems)
        pair.certificate.write_bytes(chain)
        pair.key.write_bytes(signed.private_key_pem.bytes())
        pair.key.chmod(0o600)
        return pair
