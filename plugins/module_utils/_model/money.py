# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts in whole units of a currency, from the milliunits in which Apple gives them."""

from __future__ import annotations

# The minor units of ISO 4217 (list one) where they are not two digits.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS = {**dict.fromkeys(_NO_DECIMALS.split(), 0), **dict.fromkeys(_THREE_DECIMALS.split(), 3)}


def units(milliunits: int, currency: str | None) -> str:
    """Return a decimal number such as ``-4.99``, or ``-1200`` for yen: exact, and so never through a float.

    It has the decimals of the currency (two where it isn't known), and more where they count.
    """
    decimals = _DECIMALS.get(currency or "", 2)
    whole, thousandths = divmod(abs(milliunits), 1000)
    digits = f"{thousandths:03}"
    digits = digits[:decimals] + digits[decimals:].rstrip("0")
    sign = "-" if milliunits < 0 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
