# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a signature that Apple's library refused: it tells only that something is.

Nothing here accepts anything; it names the fault of what has been refused already.
"""

from __future__ import annotations

import base64
import contextlib
import typing as t
from datetime import UTC, datetime

from .quick_verifier import read_plainly
from .root_certificate import Root

# Without cryptography, a task that calls this has failed before.
with contextlib.suppress(ImportError):
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

# Apple's marks of certificates that sign receipts and notifications (leaf), and of their issuer.
LEAF_OID = "1.2.840.113635.100.6.11.1"
INTERMEDIATE_OID = "1.2.840.113635.100.6.2.1"


def fault_of(header: t.Mapping[str, t.Any], payload: t.Mapping[str, t.Any], root: Root, text: str) -> str:
    """Return the reason by name for a decodable JWS whose verification failed."""
    try:
        return _fault_of(header, payload, root, text)
    # Whatever a certificate makes cryptography raise: the payload is refused already, only the reason has no name.
    except Exception:
        return "verification_failed"


def _fault_of(header: t.Mapping[str, t.Any], payload: t.Mapping[str, t.Any], root: Root, text: str) -> str:
    chain = header.get("x5c")
    if not isinstance(chain, list) or not chain:
        return "missing_chain"
    if header.get("alg") != "ES256":
        return "wrong_algorithm"
    if len(chain) != 3:
        return "wrong_chain_length"
    try:
        leaf, intermediate = (x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in chain[:2])
    except (ValueError, TypeError, x509.InvalidVersion):
        return "unreadable_certificate"
    anchor = x509.load_der_x509_certificate(root.der)
    if not _is_issued_by(intermediate, anchor):
        return "wrong_root"
    if not _is_issued_by(leaf, intermediate):
        return "broken_chain"
    found = _fault_of_certificates([leaf, intermediate, anchor], payload.get("signedDate"))
    if found is not None:
        return found
    # The library says as little of a certificate that breaks another rule (an extension that X.509 requires) as of a
    # signature that does not fit.
    return "unsuitable_chain" if _is_signed_by(leaf, text) else "tampered"


def _fault_of_certificates(chain: t.Sequence[x509.Certificate], signed_date: object) -> str | None:
    if isinstance(signed_date, int) and not isinstance(signed_date, bool):
        try:
            at = datetime.fromtimestamp(signed_date // 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return "verification_failed"
        if any(at > one.not_valid_after_utc for one in chain):
            return "expired"
        if any(at < one.not_valid_before_utc for one in chain):
            return "not_yet_valid"
    if not _has(chain[0], LEAF_OID) or not _has(chain[1], INTERMEDIATE_OID):
        return "missing_oid"
    return None


def _is_signed_by(leaf: x509.Certificate, text: str) -> bool:
    key, plain = leaf.public_key(), read_plainly(text)
    return plain is not None and isinstance(key, EllipticCurvePublicKey) and plain.is_signed_with(key)


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _has(certificate: x509.Certificate, oid: str) -> bool:
    try:
        certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid))
    except (x509.ExtensionNotFound, ValueError):
        return False
    return True
