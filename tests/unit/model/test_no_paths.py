# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can't be the path of a file, and so is a key or a session in the wrong option."""

from __future__ import annotations

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.identifiers import refuse_no_path


@pytest.mark.parametrize(
    "path",
    [
        "/tmp/build-d06389cd/examples/examples1/keys/AuthKey_9XK2M4N6P8.p8",
        "/builds/Ab12Cd34/group/project/keys/SubscriptionKey_2X9R4HXF34.p8",
        "~/ci/Ab12Cd34Ef56/Gh78Ij90Kl12/Mn34Op56Qr78/key.p8",
        "./ci/Ab12Cd34Ef56/Gh78Ij90Kl12/Mn34Op56Qr78/key.p8",
    ],
)
def test_a_path_is_judged_name_by_name(path: str) -> None:
    """Joined by its slashes it looks like base64."""
    refuse_no_path(path, "private_key_path")


@pytest.mark.parametrize("text", ["aB3dE6gH9" * 8, "/aB3dE6gH9" + "aB3dE6gH9" * 8, "aB3dE6/gH9" * 8])
def test_what_looks_like_a_key_is_no_path(text: str) -> None:
    with pytest.raises(InputError) as caught:
        refuse_no_path(text, "private_key_path")
    assert "aB3" not in f"{caught.value}"


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "/a b/c.p8",
        "/caf\u00e9/\u9375.p8",
        # A byte that isn't UTF-8, as Python has it.
        "/a\udcff.p8",
        "/" + "a" * 255,
        "/" + "\u00e9" * 127,
        "/a" * 2047 + "/",
        "/a\u0080",
    ],
)
def test_what_can_be_a_path(path: str) -> None:
    refuse_no_path(path, "o")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/a\nb", "isn't a path, but a text of 4 characters with line breaks or other control characters."),
        ("/a\x1f", "isn't a path, but a text of 3 characters with line breaks or other control characters."),
        ("/a\x7f", "isn't a path, but a text of 3 characters with line breaks or other control characters."),
        ("/\ud800", "isn't a path, but a text of 2 characters, some of which no path has."),
        ("/" + "a" * 256, "isn't a path, but a text of 257 characters that no path has."),
        ("/" + "\u00e9" * 128, "isn't a path, but a text of 129 characters that no path has."),
        ("/a" * 2048, "isn't a path, but a text of 4096 characters that no path has."),
    ],
)
def test_what_can_be_no_path(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        refuse_no_path(text, "o")
    assert str(caught.value) == f"o: {said} Give the path of a file."
