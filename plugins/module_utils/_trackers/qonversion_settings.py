# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ``qonversion``."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._model.identifiers import parse_service_url
from .._model.secret import Secret
from .._tracker_spec import TRACKERS
from .json_api import Service, require_api_key
from .options import Options, Reader
from .protocol import OnUnknown

HOST = "https://api.qonversion.io"
SERVICE = Service(
    tracker="qonversion",
    title="Qonversion",
    variable="STOREOPS_QONVERSION_API_KEY",
    key_kind="the project's secret key (sk_...)",
    needs="to be the project's secret key; a key for the SDK may not do this",
    place="Check qonversion.api_key, which names the project, and qonversion.url.",
)


@dataclass(frozen=True)
class QonversionSettings:
    """``project`` is a label for the ledger and for messages; the API key says which project is meant."""

    api_key: Secret = field(repr=False)
    project: str = ""
    url: str = HOST
    replace_bundle: bool = False
    on_unknown: OnUnknown = "keep"
    tracker: str = "qonversion"


def parse(options: Options, where: str = "qonversion") -> QonversionSettings:
    """Return the settings. Raises SettingsError."""
    reader = Reader(options, where)
    reader.check_names(TRACKERS["qonversion"]["options"])
    url = reader.text("url")
    settings = QonversionSettings(
        api_key=reader.attempt(lambda: require_api_key(SERVICE, options.get("api_key"), where), Secret("")),
        project=reader.text("project"),
        url=reader.attempt(lambda: parse_service_url(url, reader.path("url")), "") if url else HOST,
        replace_bundle=reader.flag("replace_bundle"),
        on_unknown=reader.on_unknown(),
    )
    reader.finish()
    return settings
