"""Whether this machine's certificates are good: what is wrong with them in a sentence each.

They are tried as two hosts would: one shows the certificate, the other looks at it by the
authority's. Both are in this process, and nothing goes over a network.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from analyzers.message import Message, message
from app.errors import UsageError
from app.jobs.hosts.address import CA, CERTIFICATE, KEY

EXPIRED, NOT_YET = 10, 9
"""OpenSSL's numbers (X509_V_ERR_…) of what a certificate is refused for."""
_STEPS = 8


def good_until(folder: Path) -> datetime:
    """Return when the host's certificate ends; raises `UsageError` where it isn't good today."""
    certificate, key = folder / CERTIFICATE, folder / KEY
    try:
        shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        shows.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        told = message(
            "The certificate {file} and its key {key} can't be read or don't belong together "
            "({why}): make both anew (docs/hosts.md).",
            file=str(certificate),
            key=str(key),
            why=_why(error),
        )
        raise UsageError(told) from error
    try:
        looks = ssl.create_default_context(cafile=folder / CA)
    except (OSError, ssl.SSLError) as error:
        told = message(
            "The authority's certificate {file} can't be read ({why}): copy it here again.",
            file=str(folder / CA),
            why=_why(error),
        )
        raise UsageError(told) from error
    looks.check_hostname = False
    try:
        ends = _shown(shows, looks).get("notAfter", "")
    except ssl.SSLCertVerificationError as error:
        raise UsageError(_refusal(error, certificate, folder / CA)) from error
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC)


def _refusal(error: ssl.SSLCertVerificationError, certificate: Path, authority: Path) -> Message:
    if error.verify_code == EXPIRED:
        return message(
            "The certificate {file}, or its authority's, has expired: make new ones for all hosts "
            "(docs/hosts.md).",
            file=str(certificate),
        )
    if error.verify_code == NOT_YET:
        return message(
            "The certificate {file}, or its authority's, isn't valid yet: look at this machine's "
            "clock.",
            file=str(certificate),
        )
    return message(
        "The certificate {file} isn't of the authority {authority} ({why}): make it anew by that "
        "one, or copy the right one here.",
        file=str(certificate),
        authority=str(authority),
        why=error.verify_message,
    )


def _why(error: Exception) -> str:
    told = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return str(told).lower().replace("_", " ")


def _shown(shows: ssl.SSLContext, looks: ssl.SSLContext) -> dict[str, object]:
    """Return what one side sees of the other's certificate, once it trusts it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = shows.wrap_bio(to_server, to_client, server_side=True)
    client = looks.wrap_bio(to_client, to_server)
    for _ in range(_STEPS):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            if side is client:
                return dict(client.getpeercert() or {})
    return {}
