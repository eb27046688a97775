# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential types for AWX and Automation Platform, rendered by the platform's own code."""

from __future__ import annotations

import re
import stat
import typing as t
from pathlib import Path

import pytest
import yaml
from awx_plugins.interfaces._temporary_private_credential_api import Credential
from awx_plugins.interfaces._temporary_private_inject_api import HIDDEN_PASSWORD, inject_credential
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.storeops.refunds.plugins.module_utils._files.reading import read_key_file
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import parse_file

ROOT = Path(__file__).resolve().parents[2]
TYPES = yaml.safe_load((ROOT / "extensions/awx/credential_types.yml").read_text())["storeops_credential_types"]
BY_NAME = {each["name"]: each for each in TYPES}
IAP_KEY, API_KEY = "App Store In-App Purchase key", "App Store Connect API key"


class Type(t.NamedTuple):
    """A credential type as the platform's code wants it."""

    inputs: dict[str, t.Any]
    injectors: dict[str, t.Any]
    managed: bool = False
    custom_injectors: None = None


class Injected(t.NamedTuple):
    """What a job gets, and what the platform stores of it."""

    env: dict[str, str]
    stored: dict[str, str]
    extra_vars: dict[str, t.Any]
    folder: Path

    def file(self, path: str) -> Path:
        """Where a file in the job's container lies here."""
        assert path.startswith("/runner/")
        return self.folder / path.removeprefix("/runner/")


def injected(name: str, folder: Path, inputs: dict[str, str]) -> Injected:
    """Let the platform inject a credential."""
    (folder / "env").mkdir()
    env: dict[str, str] = {}
    stored: dict[str, str] = {}
    arguments: list[str] = []
    made = Type(BY_NAME[name]["inputs"], BY_NAME[name]["injectors"])
    inject_credential(t.cast(t.Any, made), Credential(t.cast(t.Any, inputs)), env, stored, arguments, str(folder))
    result = Injected(env, stored, {}, folder)
    for argument in arguments[1::2]:
        result.extra_vars.update(yaml.safe_load(result.file(argument.removeprefix("@")).read_text()))
    return result


def new_pem() -> str:
    """A private key, as Apple gives it out."""
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@pytest.mark.parametrize("name", BY_NAME)
def test_the_platform_takes_the_type(name: str) -> None:
    made = BY_NAME[name]
    assert set(made) == {"name", "description", "kind", "inputs", "injectors"} and made["kind"] == "cloud"
    ids = [field["id"] for field in made["inputs"]["fields"]]
    assert len(ids) == len(set(ids)) and not {"tower", "awx"} & set(ids)
    assert set(made["inputs"]["required"]) <= set(ids)
    for field in made["inputs"]["fields"]:
        assert {"id", "label", "type"} <= set(field) <= {"id", "label", "type", "help_text", "secret", "multiline"}
    assert set(made["injectors"]) <= {"file", "env", "extra_vars"}
    assert set(made["injectors"].get("file", {})) <= {"template"}
    for variable in made["injectors"].get("env", {}):
        assert re.fullmatch(r"STOREOPS_[A-Z_]+", variable)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_collection_reads_what_is_injected(name: str) -> None:
    sources = "".join(file.read_text() for file in (ROOT / "plugins").rglob("*.py"))
    for variable in BY_NAME[name]["injectors"].get("env", {}):
        assert f'"{variable}"' in sources or f"name: {variable}\n" in sources, variable


@pytest.mark.parametrize("name", BY_NAME)
def test_no_secret_is_stored_with_the_job(name: str, tmp_path: Path) -> None:
    inputs = {field["id"]: f"value of {field['id']}" for field in BY_NAME[name]["inputs"]["fields"]}
    secrets = [inputs[field["id"]] for field in BY_NAME[name]["inputs"]["fields"] if field.get("secret")]
    found = injected(name, tmp_path, inputs)
    assert secrets and not any(secret in value for secret in secrets for value in found.stored.values())
    assert not any(secret in str(found.extra_vars) for secret in secrets)
    if "file" not in BY_NAME[name]["injectors"]:
        (value,) = found.env.values()
        assert [value] == secrets and list(found.stored.values()) == [HIDDEN_PASSWORD]


@pytest.mark.parametrize("ending", ["", "\n"])
def test_an_in_app_purchase_key_becomes_an_entry_of_keys(tmp_path: Path, ending: str) -> None:
    pem = new_pem().strip() + ending
    inputs = {"key": "studio_a", "issuer_id": "57246542-96fe-1a63-e053-0824d011072a", "key_id": "2X9R4HXF34"}
    found = injected(IAP_KEY, tmp_path, {**inputs, "private_key": pem})
    entry = found.extra_vars["storeops_iap_key"]
    assert found.env == {} and entry == {**inputs, "private_key_path": entry["private_key_path"]}
    file = found.file(entry["private_key_path"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert parse_file(read_key_file(str(file), "strict"), str(file)).fingerprint


def test_an_api_key_is_found_by_its_variables(tmp_path: Path) -> None:
    pem = new_pem()
    found = injected(API_KEY, tmp_path, {"issuer_id": "issuer", "key_id": "KEY0000001", "private_key": pem})
    prefix = "STOREOPS_APP_STORE_CONNECT_API"
    path = found.env.pop(f"{prefix}_PRIVATE_KEY_PATH")
    assert found.env == {f"{prefix}_ISSUER_ID": "issuer", f"{prefix}_KEY_ID": "KEY0000001"}
    assert found.file(path).read_text() == pem and found.extra_vars == {}
