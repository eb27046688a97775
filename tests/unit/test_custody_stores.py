# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role iap_key_custody at its stores: what it refuses, what it says, and that check mode says what the run does."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import threading
import typing as t
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import unit_forks
from unit_servers import scripted
from unit_support import ISSUER, KEY_ID, ROOT, new_pem, write_key
from warm import warm

pytestmark = pytest.mark.services
STAND_IN = ROOT / "tests/integration/targets/role_iap_key_custody/files/stand_in.py"
TOKEN = "hvs.hunter2-of-the-vault"
Json = dict[str, t.Any]
DENIED = "An error occurred (AccessDeniedException) when calling the operation: not you."


class Studio:
    """Somebody with a .p8 that is to go into a store, which is new and empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pem = new_pem()
        self.file = folder / "keys" / "studio.p8"
        self.bin = folder / "bin"
        for made in (self.file.parent, self.bin, folder / "stored"):
            made.mkdir()
        write_key(self.file, self.pem)

    def program(self, name: str, text: str) -> None:
        """Put a program onto the PATH."""
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def role(self, store: str, **given: t.Any) -> Json:
        """Give the task that hands the key over to a store."""
        is_file = store in ("ansible_vault", "sops")
        own = {
            "iap_key_custody_store": store,
            "iap_key_custody_place": f"{self.folder}/stored/key.yml" if is_file else "studio/key",
            "iap_key_custody_ansible_vault": {"password": "of-the-vault"},
            "iap_key_custody_onepassword": {"vault": "Studio"},
            "iap_key_custody_private_key_path": str(self.file),
            "iap_key_custody_key_id": KEY_ID,
            "iap_key_custody_issuer_id": ISSUER,
            "iap_key_custody_keep_file": False,
        }
        return {"ansible.builtin.include_role": {"name": "storeops.refunds.iap_key_custody"}, "vars": {**own, **given}}

    def run(self, *tasks: Json, arguments: t.Sequence[str] = ()) -> unit_forks.Ran:
        """Run tasks."""
        own = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        book = self.folder / "play.yml"
        book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": own, "tasks": tasks}]))
        return unit_forks.run_playbook(book, "localhost,", "-c", "local", *arguments, folder=self.folder)

    def shows_nothing(self, ran: unit_forks.Ran) -> bool:
        """Tell whether neither key nor token was printed."""
        shown = re.sub(r"\s|\\\\n", "", ran.output + ran.errors)
        lines = [line for line in self.pem.splitlines() if "-----" not in line]
        return not any(secret in shown for secret in (*lines, "hunter2"))


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    made = Studio(tmp_path)
    for name in ("aws", "op"):
        made.program(name, f"#!{warm().python}\n{STAND_IN.read_text()}")
    monkeypatch.setenv("PATH", os.pathsep.join([str(made.bin), os.environ["PATH"]]))
    monkeypatch.setenv("STAND_IN_FOLDER", str(tmp_path / "stored"))
    for name in ("VAULT_ADDR", "VAULT_TOKEN", "ANSIBLE_VAULT_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[str]:
    """Serve Vault's API; its address and its token are in the environment."""
    spec = importlib.util.spec_from_file_location("custody_stand_in", STAND_IN)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TOKEN = TOKEN
    with ThreadingHTTPServer(("127.0.0.1", 0), module.Vault) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("VAULT_ADDR", url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield url
        server.shutdown()


def each(*tasks: Json) -> list[Json]:
    """Give tasks of which each is to fail, and the next one comes all the same."""
    end = [{"name": "It failed", "ansible.builtin.debug": {"msg": "END"}}]
    return [{"block": [task], "rescue": end} for task in tasks]


def removals(ran: unit_forks.Ran) -> list[str]:
    """Give what was shown of each last task, without what check mode says otherwise."""
    assert ran.code == 0, ran
    found = re.findall(r"Remove the file, now that.+?\n\n(?=TASK|PLAY)", ran.output, re.DOTALL)
    return [text.replace("would be", "was") for text in found]


def test_check_mode_says_what_the_run_does(studio: Studio, vault: str) -> None:
    """For each store its own file, of the same key."""
    tasks, files = [], []
    for store in ("hashicorp_vault", "aws_secrets_manager", "onepassword"):
        files.append(write_key(studio.file.with_name(f"{store}.p8"), studio.pem))
        tasks.append(studio.role(store, iap_key_custody_private_key_path=str(files[-1])))
        tasks[-1]["vars"]["iap_key_custody_place"] += store
    predicted = studio.run(*tasks, arguments=("--check", "--diff"))
    assert {file.read_text() for file in files} == {studio.pem} and not list((studio.folder / "stored").iterdir())
    # What the run stores, check mode says.
    assert predicted.output.count("The secret would be written to") == len(tasks)
    done = studio.run(*tasks, arguments=("--diff",))
    shown = removals(done)
    assert removals(predicted) == shown and len(shown) == sum("\nchanged: " in one for one in shown) == len(tasks)
    assert list(studio.file.parent.iterdir()) == [studio.file], "a second name"
    assert studio.shows_nothing(predicted) and studio.shows_nothing(done)


def test_without_the_key_s_ids_nothing_is_stored_and_check_mode_says_so(studio: Studio) -> None:
    task = studio.role("aws_secrets_manager", iap_key_custody_key_id="")
    for arguments in ((), ("--check",)):
        ran = studio.run(task, arguments=arguments)
        assert ran.code == 2 and "Give iap_key_custody_key_id and iap_key_custody_issuer_id" in ran.output, ran.output
    assert studio.file.exists() and not list((studio.folder / "stored").iterdir())


# It takes its input, whatever becomes of it: else Ansible may not be done with handing it over.
NOTHING_HELD = """given=$(cat); at=$(dirname "$0")/probe
case "$2 $*" in
  create-*-probe-*) printf %s "$given" >"$at"; exit 0;;
  get-*-probe-*) cat "$at"; exit 0;;
  get-*) echo ResourceNotFoundException >&2; exit 254;;
esac"""
ECHO = "case $* in *-probe-*) exit 0;; esac; printf 'bad input: %s' \"$given\" >&2; exit 252"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            f"echo '{DENIED}' >&2; echo hunter2; exit 254",
            f"ended with exit code 254 and said: {DENIED} Apple wasn't asked",
        ),
        (
            f"{NOTHING_HELD}; echo '{DENIED}' >&2; exit 254",
            f"and said: {DENIED} Apple wasn't asked, and no key was made.",
        ),
        (f"{NOTHING_HELD}; {ECHO}", "(studio/key): aws ended with exit code 252 and said: bad input: "),
        ("exit 1", "aws ended with exit code 1 and didn't say why."),
    ],
)
def test_a_store_that_refuses_is_told_with_its_reason(script: str, said: str, studio: Studio) -> None:
    studio.program("aws", f"#!/bin/sh\n{script}\n")
    ran = studio.run(studio.role("aws_secrets_manager"))
    assert ran.code == 2 and said in ran.output, ran.output
    assert studio.shows_nothing(ran) and studio.file.read_text() == studio.pem
    assert ("lies at" in ran.output) is ("bad input" in said)


UNSENDABLE: list[tuple[Json, str]] = [
    ({}, "iap_key_custody_hashicorp_vault.url or VAULT_ADDR: isn't set."),
    ({"url": "http://vault.corp:8200"}, "url or VAULT_ADDR: credentials are sent over https only"),
    ({"url": "vault.corp/hunter2"}, "url or VAULT_ADDR: this isn't an http(s) URL."),
    ({"url": "https://vault.corp/hunter2 x"}, "url or VAULT_ADDR: has blanks"),
    ({"url": "https://vault.corp", "token": ""}, "or VAULT_TOKEN: the header 'X-Vault-Token' is empty."),
    ({"url": "https://vault.corp", "token": f"{TOKEN}\nx"}, "the header 'X-Vault-Token' has a line break"),
    (
        {"url": "https://vault.corp", "token": TOKEN, "namespace": "hunter2\r\nx"},
        "the header 'X-Vault-Namespace' has a line break",
    ),
]


def test_what_vault_can_not_be_sent_is_refused_and_not_shown(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = (studio.role("hashicorp_vault", iap_key_custody_hashicorp_vault=given) for given, _said in UNSENDABLE)
    with scripted() as proxy:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        ran = studio.run(*each(*tasks))
        assert ran.code == 0 and studio.shows_nothing(ran), ran.output
        assert not proxy.requests and not proxy.connections
    shown = ran.output.split('"msg": "END"')[:-1]
    assert [said for text, (_given, said) in zip(shown, UNSENDABLE, strict=True) if said not in text] == []


def test_a_pasted_token_is_trimmed_and_goes_past_the_proxy(
    studio: Studio, vault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", f"{TOKEN}\n")
    with scripted() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        given = {"url": f" {vault}/\n", "namespace": " "}
        ran = studio.run(studio.role("hashicorp_vault", iap_key_custody_hashicorp_vault=given))
        assert ran.code == 0 and not studio.file.exists() and studio.shows_nothing(ran), ran.output
        assert not proxy.requests


# Goes by the names of files as SOPS does, and encrypts nothing.
SOPS = """
import os, sys
def option(name, otherwise):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else otherwise
def kind(path):
    known = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".env": "dotenv", ".ini": "ini"}
    return known.get(os.path.splitext(path)[1], "binary")
if sys.argv[1] == "encrypt":
    print(option("--output-type", kind(option("--filename-override", ""))), sys.stdin.read())
    sys.exit()
written, text = open(sys.argv[-1]).read().split(" ", 1)
if written != option("--input-type", kind(sys.argv[-1])):
    sys.exit(f"Error unmarshalling input: not what was written, which is {written}")
print(text)
"""


def test_sops_reads_what_it_wrote_whatever_its_name_ends_with(studio: Studio) -> None:
    """The whole role with one name; with others, what writes and reads, as it does for the probe and for the key."""
    studio.program("sops", f"#!{warm().python}{SOPS}")
    places = [studio.folder / "stored" / "whole.ini"]
    tasks = [studio.role("sops", iap_key_custody_place=str(places[0]))]
    for ending in ("", ".enc", ".env", ".ini", ".sops.yaml", ".yml", ".json", ".JSON"):
        places.append(studio.folder / "stored" / f"key{ending}")
        content = {"probe": f"the one of {ending}"}
        given = {"__iap_key_custody_target": str(places[-1]), "__iap_key_custody_content": content}
        for what in ("write", "read"):
            task = studio.role("sops", **given)
            own = {"tasks_from": f"stores/sops_{what}.yml", "vars_from": "sops.yml", "public": True}
            task["ansible.builtin.include_role"].update(own)
            tasks.append(task)
        equal = {"that": "__iap_key_custody_held == wanted"}
        tasks.append({"ansible.builtin.assert": equal, "vars": {"wanted": content}})
    ran = studio.run(*tasks)
    assert ran.code == 0 and not studio.file.exists(), ran.output
    assert sorted((studio.folder / "stored").iterdir()) == sorted(places), "a probe is left"


@pytest.mark.parametrize(
    ("store", "script", "said"),
    [
        ("sops", 'case $1 in encrypt) cat;; *) echo "no identity matched" >&2; exit 128;; esac', "no identity matched"),
        ("sops", "case $1 in encrypt) cat;; *) echo '{}';; esac", "doesn't give back what was written there"),
        (
            "aws_secrets_manager",
            'case $2 in get-*) echo ResourceNotFoundException >&2; exit 254;; del*) touch "$0.removed";; *) cat;; esac',
            "doesn't give back what was written there",
        ),
    ],
    ids=["refused", "another", "nothing"],
)
def test_a_store_that_gives_nothing_back_is_found_before_apple_is_asked(
    store: str, script: str, said: str, studio: Studio
) -> None:
    studio.program("aws" if store == "aws_secrets_manager" else store, f"#!/bin/sh\n{script}\n")
    ran = studio.run(studio.role(store))
    shown = " ".join(ran.output.split())
    assert ran.code == 2 and said in shown and "Apple wasn't asked, and no key was made." in shown, ran.output
    assert "Make or find the key" not in ran.output and studio.file.read_text() == studio.pem
    assert not list((studio.folder / "stored").iterdir()), "the probe is left"
    assert (studio.bin / "aws.removed").exists() is (store != "sops")


def test_paths_with_variables_are_read_where_they_lead(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_KEYS", str(studio.file.parent))
    write_key(studio.file.parent / "password", "of-the-vault")
    given = {
        "iap_key_custody_ansible_vault": {"password_file": "$OUR_KEYS/password"},
        "iap_key_custody_private_key_path": "$OUR_KEYS/studio.p8",
    }
    ran = studio.run(studio.role("ansible_vault", **given))
    assert ran.code == 0 and not studio.file.exists(), ran.output
    assert (studio.folder / "stored/key.yml").read_text().startswith("$ANSIBLE_VAULT")


def test_a_deleted_secret_is_seen_before_a_key_is_made(studio: Studio, vault: str) -> None:
    """Vault keeps its versions, and takes no first one there."""
    hold(studio, "hashicorp_vault", "studio/key", {"some": "thing"})
    at = urllib.request.Request(f"{vault}/v1/secret/data/studio/key", method="DELETE")
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(at).close()
    for arguments in (("--check",), ()):
        ran = studio.run(studio.role("hashicorp_vault"), arguments=arguments)
        assert ran.code != 0 and "a deleted secret lies there" in ran.output, ran.output
        assert "Apple wasn't asked, and no key was made." in " ".join(ran.output.split())
        assert "Make or find the key" not in ran.output and studio.file.exists()


STORES = ("ansible_vault", "aws_secrets_manager", "hashicorp_vault", "onepassword", "sops")
FOREIGN = "hunter2-of-somebody-else"
UNREADABLE = ("has no attribute", "from_json' failed", "from_yaml' failed")
# What a store holds, and what is said of it.
NOT_OURS: dict[str, tuple[t.Any, tuple[str, ...]]] = {
    "a list": ([FOREIGN], ("holds something else than a secret of this role", *UNREADABLE)),
    "broken": (f'{{"password": "{FOREIGN}", ', ("holds something else than a secret of this role", *UNREADABLE)),
    "another's": ({"password": FOREIGN}, ("holds something else than a secret of this role",)),
    "a key of another's": (
        {name: FOREIGN for name in ("key_id", "issuer_id", "key_fingerprint")},
        ("is damaged, or not a secret of this role",),
    ),
}


def hold(studio: Studio, store: str, place: str, held: t.Any) -> None:
    """Put what somebody else wrote into a store."""
    text = held if isinstance(held, str) else json.dumps(held)
    if store == "hashicorp_vault":
        at = urllib.request.Request(
            f"{os.environ['VAULT_ADDR']}/v1/secret/data/{place}",
            json.dumps({"data": held, "options": {}}).encode(),
        )
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(at).close()
    elif store in ("ansible_vault", "sops"):
        # As it is once decrypted: neither the filter unvault nor the stand-in for SOPS asks for more.
        is_named = store == "ansible_vault" and not isinstance(held, str)
        Path(place).write_text(json.dumps({"iap_key": held}) if is_named else text)
    else:
        if store == "onepassword" and isinstance(held, dict):
            fields: list[Json] = [{"value": FOREIGN}, {"label": [FOREIGN], "value": FOREIGN}]
            text = json.dumps({"fields": fields + [{"label": label, "value": held[label]} for label in held]})
        (studio.folder / "stored" / f"{place.replace('/', '_')}.json").write_text(text)


@pytest.mark.parametrize("store", STORES)
def test_nothing_is_shown_of_somebody_else_s_secret(store: str, studio: Studio, vault: str) -> None:
    studio.program("sops", '#!/bin/sh\nfor last; do :; done; exec cat "$last"\n')
    tasks = []
    for number, (held, _said) in enumerate(NOT_OURS.values()):
        task = studio.role(store)
        task["vars"]["iap_key_custody_place"] += str(number)
        whole = {**held, "private_key": studio.pem} if isinstance(held, dict) and len(held) > 1 else held
        hold(studio, store, task["vars"]["iap_key_custody_place"], whole)
        tasks.append(task)
    ran = studio.run(*each(*tasks))
    assert ran.code == 0 and studio.shows_nothing(ran), ran.output
    shown = ran.output.split('"msg": "END"')[:-1]
    wrong = [
        what
        for text, (what, (_held, said)) in zip(shown, NOT_OURS.items(), strict=True)
        if not any(one in text for one in said)
    ]
    assert not wrong, ran.output
    assert studio.file.read_text() == studio.pem


def test_pasted_ids_are_those_of_the_secret(studio: Studio) -> None:
    """Whatever web pages and mails add to an ID when it is copied."""
    pasted = studio.role(
        "aws_secrets_manager",
        iap_key_custody_key_id=f"\u200b{KEY_ID[:4]} {KEY_ID[4:]}\n",
        iap_key_custody_issuer_id=f" {ISSUER.upper()}\u2060",
    )
    ran = studio.run(studio.role("aws_secrets_manager", iap_key_custody_keep_file=True), pasted)
    assert ran.code == 0 and not studio.file.exists(), ran.output
