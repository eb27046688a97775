# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the ledger lies, and which URLs are none."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_support import entry
from unit_support import as_other_user, give_away

from ansible_collections.storeops.refunds.plugins.module_utils._ledger.integrations import (
    find_integration,
    put_integration,
)
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.storeops.refunds.plugins.module_utils._ledger.place import find_place
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, LedgerError
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import Masker


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"HOME": "/home/me"}, "/home/me/.local/state/storeops.refunds/ledger.db"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": "/state"}, "/state/storeops.refunds/ledger.db"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": ""}, "/home/me/.local/state/storeops.refunds/ledger.db"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": "not/absolute"}, "/home/me/.local/state/storeops.refunds/ledger.db"),
    ],
)
def test_the_default_place(environ: dict[str, str], path: str) -> None:
    place = find_place(None, environ)
    assert (place.path, place.name, place.is_default) == (path, path, True)
    assert (place.url.reveal(), place.where) == (f"sqlite:///{path}", f"ledger.url: {path}")


@pytest.mark.parametrize("url", ["", " \n"])
def test_an_empty_url_is_not_the_file_of_this_user(url: str) -> None:
    with pytest.raises(InputError, match=r"^ledger\.url: is given but empty \(or STOREOPS_LEDGER_URL is\)"):
        find_place(url, {"HOME": "/home/me"})


@pytest.mark.parametrize("home", ["home/me", "$HOME", "~", "."])
@pytest.mark.parametrize("url", [None, "sqlite:///~/ledger.db"])
def test_a_home_that_is_no_place(home: str, url: str | None) -> None:
    with pytest.raises(InputError, match=r"^ledger\.url: there is no folder .* HOME is '") as caught:
        find_place(url, {"HOME": home})
    assert f"HOME is {home!r}. Set ledger.url or STOREOPS_LEDGER_URL, or HOME to an absolute path." in str(caught.value)
    assert find_place(None, {"HOME": home, "XDG_STATE_HOME": "/state"}).path == "/state/storeops.refunds/ledger.db"


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(InputError, match=r"HOME is not set, and user \d+ has no passwd entry"):
        find_place(None, {})


def test_without_home_it_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: {os.getuid(): SimpleNamespace(pw_dir="/home/it")}[uid])
    assert find_place(None, {}).path == "/home/it/.local/state/storeops.refunds/ledger.db"


def test_a_dangling_link_leads_to_a_private_file(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").symlink_to("kept.db")
    warnings: list[str] = []
    ledger = Ledger(find_place(f"sqlite:///{tmp_path}/ledger.db", {}), False, warnings.append)
    ledger.check_place()
    put_integration(ledger, entry(), "2026-01-01T00:00:00Z")
    ledger.close()
    assert stat.S_IMODE((tmp_path / "kept.db").stat().st_mode) == 0o600 and len(warnings) == 1
    assert (tmp_path / "ledger.db").is_symlink()


def test_a_link_to_nowhere_is_told_beforehand(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").symlink_to(tmp_path / "gone" / "ledger.db")
    ledger = Ledger(find_place(f"sqlite:///{tmp_path}/ledger.db", {}), True, lambda text: None)
    with pytest.raises(LedgerError, match="gone does not exist"):
        ledger.check_place()


def test_sqlite_never_makes_a_file_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(find_place(f"sqlite:///{path}", {}), False, lambda text: None)
    put_integration(ledger, entry(), "2026-01-01T00:00:00Z")
    path.unlink()
    with pytest.raises(LedgerError):
        put_integration(ledger, entry("com.b"), "2026-01-01T00:00:00Z")
    assert not path.exists()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/ledger.db", "/var/lib/ledger.db"),
        (" sqlite:////var/lib/ledger.db\n", "/var/lib/ledger.db"),
        ("sqlite:///~/ledger.db", "/home/me/ledger.db"),
        ("sqlite+pysqlite:////a b/c.db", "/a b/c.db"),
    ],
)
def test_sqlite_urls(url: str, path: str) -> None:
    place = find_place(url, {"HOME": "/home/me"})
    assert (place.path, place.is_default) == (path, False)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_postgresql_urls(scheme: str) -> None:
    place = find_place(f"{scheme}://me:hunter2@db.example.com:5433/ledger?sslmode=require", {})
    assert place.path is None
    assert place.name == "PostgreSQL db.example.com/ledger"
    assert place.url.reveal() == "postgresql+psycopg://me:hunter2@db.example.com:5433/ledger?sslmode=require"
    assert "hunter2" not in repr(place)


@pytest.mark.parametrize(
    "url",
    [
        "ledger.db",
        "/var/lib/ledger.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///ledger.db",
        "sqlite:///./ledger.db",
        "sqlite://host/ledger.db",
        "sqlite:///:memory:",
        "sqlite:////a.db?mode=ro",
        "sqlite:////a\0b.db",
        "mysql://me:hunter2@host/db",
        "mongodb://me:hunter2@host/db",
        "oracle+oracledb://me:hunter2@host",
        "://me:hunter2@host",
        "postgresql://me:hunter2@host:port/db",
        "https://me:hunter2@example.com",
    ],
)
def test_bad_urls(url: str) -> None:
    advice = r"^ledger\.url: .* Give sqlite:////absolute/path/ledger\.db or postgresql://"
    with pytest.raises(InputError, match=advice) as e:
        find_place(url, {"HOME": "/home/me"})
    assert "hunter2" not in str(e.value)


UNSET = "Perhaps a variable or a secret of the CI is not set."
NEXT = "Give sqlite:////absolute/path/ledger.db or postgresql://user:password@host/database."


@pytest.mark.parametrize("option", ["ledger.url", "to_ledger.url"])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", f"is given but empty (or STOREOPS_LEDGER_URL is). {NEXT} {UNSET}"),
        ("postgresql://me:hunter2@x@host/db", "has more than one @. Write an @ in the password as %40."),
        ("ledger.db", f"this isn't a database URL. {NEXT}"),
        ("postgresql://me@host:port/db", f"this isn't a database URL. {NEXT}"),
        ("sqlite:///ledger.db", f"an SQLite ledger needs an absolute path and no parameters. {NEXT}"),
        ("mysql://me:hunter2@host/db", f"'mysql' isn't a supported database. {NEXT}"),
        # The name of a database is whatever a person typed.
        ("myäsql://host/db", f"'my\\xe4sql' isn't a supported database. {NEXT}"),
    ],
)
def test_what_is_said_of_a_bad_url(option: str, url: str, said: str) -> None:
    # The variable stands for one option alone.
    wanted = said if option == "ledger.url" else said.replace(" (or STOREOPS_LEDGER_URL is)", "")
    with pytest.raises(InputError) as caught:
        find_place(url, {"HOME": "/home/me"}, option)
    assert str(caught.value) == f"{option}: {wanted}"


@pytest.mark.parametrize("url", ["sqlite:////var/lib/ledger.db", "postgresql://host/db"])
def test_a_place_is_named_with_its_option(url: str) -> None:
    assert find_place(url, {}, "to_ledger.url").where in (
        "to_ledger.url: /var/lib/ledger.db",
        "to_ledger.url: PostgreSQL host/db",
    )
    assert find_place("postgresql:///", {}).where == "ledger.url: PostgreSQL socket/"
    assert find_place("sqlite:////a.db", {}).url.reveal() == "sqlite:////a.db"


# What may follow an @ that should have been written as %40.
TAILS = ["w0rdtail", "w0rd/tail", "w0rd:tail", "w0rd?tail", "w0rd#tail", "[w0rd]tail", "@w0rd", "w0rd@tail"]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("place", ["host/db", "host:5432/db?sslmode=require", "[::1]:5432/db", "/db?host=/run"])
@pytest.mark.parametrize("scheme", ["postgresql", " postgres", "postgresql+psycopg"])
def test_an_unescaped_at_in_a_password(scheme: str, place: str, tail: str) -> None:
    """Where the password ends is anybody's guess then: nothing is opened, and no piece of it is shown."""
    url = f"{scheme}://me:p4ss@{tail}@{place}"
    with pytest.raises(InputError) as caught:
        find_place(url, {"HOME": "/home/me"})
    message = str(caught.value)
    assert message.startswith("ledger.url: ") and "%40" in message
    assert not [piece for piece in ("p4ss", "w0rd", "tail") if piece in message]
    # Not even a library's words about a host or a database that is a piece of the password.
    guess = "w0rdtail" if "w0rdtail" in tail else "w0rd"
    masked = Masker([url]).mask(f"failed to resolve host '{guess}', database {guess}, p4ss {url}")
    assert not [piece for piece in ("p4ss", "w0rd") if piece in masked], masked


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://me:p%40ss@host/db", "PostgreSQL host/db"),
        ("postgresql://me@corp:hunter2@host/db", "PostgreSQL host/db"),
        ("postgresql://me@host/db", "PostgreSQL host/db"),
        ("postgresql://host/db?user=me@corp", "PostgreSQL host/db"),
    ],
)
def test_an_at_that_is_no_riddle(url: str, name: str) -> None:
    assert find_place(url, {}).name == name


@given(st.text(min_size=1, max_size=60))
def test_any_text_is_a_place_or_an_input_error(text: str) -> None:
    for url in (text, f"sqlite://{text}", f"postgresql://{text}"):
        try:
            place = find_place(url, {"HOME": "/home/me"})
        except InputError:
            continue
        assert place.path is None or os.path.isabs(place.path)


@pytest.mark.parametrize("name", ["a?b=c", "a b", "a%20b", "a#b", "ä", "a'b", "?mode=memory"])
def test_odd_folder_names_lead_where_they_say(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    warnings: list[str] = []
    for number in range(2):
        ledger = Ledger(find_place(None, {"XDG_STATE_HOME": str(folder)}), False, warnings.append)
        found = find_integration(ledger, entry().identity)
        assert (found is None) is (number == 0)
        put_integration(ledger, entry(), "2026-01-01T00:00:00Z")
        ledger.close()
    path = folder / "storeops.refunds" / "ledger.db"
    assert path.stat().st_size > 0 and os.listdir(tmp_path) == [name]
    assert len(warnings) == 1


@pytest.mark.services
def test_a_default_place_that_cannot_be_made_is_told_beforehand(tmp_path: Path) -> None:
    home = give_away(tmp_path) / "closed"
    home.mkdir(mode=0o755 if os.geteuid() == 0 else 0o555)

    def check() -> str:
        ledger = Ledger(find_place(None, {"HOME": str(home)}), True, lambda text: None)
        with pytest.raises(LedgerError) as caught:
            ledger.check_place()
        return str(caught.value)

    message = as_other_user(check)
    assert str(home) in message and "not writable" in message
    assert os.listdir(home) == []


def test_a_default_place_below_a_file_is_told_beforehand(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger = Ledger(find_place(None, {"HOME": str(tmp_path / "file")}), True, lambda text: None)
    with pytest.raises(LedgerError, match="file"):
        ledger.check_place()
