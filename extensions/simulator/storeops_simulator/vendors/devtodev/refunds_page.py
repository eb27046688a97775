# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page "IA refunds tracking": the status, the saved values, and the form."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from ...devtodev_world import DevtodevProject, Page, TrackedIntegration
from .form import CSRF_FIELD, FILE_FIELD, Checked, Problem

_INPUT_IDS: Final[Mapping[str, str]] = {
    "bundle_id": "app-bundle-id",
    "issuer_id": "issuer-id",
    "key_id": "key-id",
    "private_key": "private-key-file",
}
_EXPLAINED: Final[Mapping[str, str]] = {
    "none": "Fill in the form to start the integration.",
    "pending": "The key is being checked with the App Store.",
    "active": "Refunds of this app are collected.",
    "error": "The App Store did not accept these values. Check them and save again.",
}
_POLL: Final = """
(function () {
  var shown = document.getElementById("integration-status");
  var note = document.getElementById("integration-note");
  function ask() {
    fetch(shown.dataset.url, {headers: {Accept: "application/json"}, redirect: "error"}).then(function (answer) {
      return answer.json();
    }).then(function (now) {
      if (now.state !== shown.dataset.state) {
        shown.dataset.state = now.state;
        shown.textContent = now.status;
        note.textContent = now.note;
      }
      if (now.state === "pending") { setTimeout(ask, 500); }
    }).catch(function () { setTimeout(ask, 2000); });
  }
  if (shown && shown.dataset.state === "pending") { setTimeout(ask, 500); }
})();
"""
_APPEAR: Final = """
(function () {
  var template = document.getElementById("integration-form-template");
  if (!template) { return; }
  setTimeout(function () {
    document.getElementById("integration-loading").remove();
    template.parentNode.appendChild(template.content.cloneNode(true));
  }, Number(template.dataset.appearsAfterMs));
})();
"""
SCRIPT: Final = _POLL + _APPEAR


def state_of(project: DevtodevProject) -> str:
    """Give the state: none, pending, active or error."""
    return project.integration.status if project.integration else "none"


def status_document(project: DevtodevProject, look: Page) -> dict[str, str]:
    """Give what the page's script asks for."""
    state = state_of(project)
    return {"state": state, "status": look.texts[state], "note": _EXPLAINED[state]}


def content(project: DevtodevProject, look: Page, path: str, csrf_token: str, refused: Checked | None = None) -> str:
    """Make the content of the page.

    :param refused: the form that was just sent and not accepted; its values are shown again.
    """
    texts = look.texts
    trail = " / ".join(escape(texts[name]) for name in ("settings", "payments_integration", "refunds_tracking"))
    alert = ""
    if refused is not None:
        alert = '<div class="alert" role="alert">The integration was not saved. Correct the marked fields.</div>'
    return (
        f'<p class="trail">{trail}</p><h1>{escape(texts["refunds_tracking"])}</h1>'
        '<p class="lead">Refunds of in-app purchases are collected through the App Store Server API with an'
        " In-App Purchase key of your App Store Connect account.</p>"
        f"{alert}{_state(project, look, path)}{_section(project, look, path, csrf_token, refused)}"
    )


def wrong_content() -> str:
    """Make the content of another page that stands where the form should be."""
    return (
        "<h1>Payments integration</h1>"
        '<p class="lead">This section is being reorganised. Choose a store in the menu.</p>'
        '<section class="card"><h2>Stores</h2><p>No store is connected here.</p></section>'
    )


def _state(project: DevtodevProject, look: Page, path: str) -> str:
    state = state_of(project)
    return (
        '<section class="card"><div class="state">'
        '<h2 id="state-heading">Status</h2>'
        f'<strong class="status" id="integration-status" role="status" aria-labelledby="state-heading"'
        f' data-state="{state}" data-url="{escape(path)}/status">{escape(look.texts[state])}</strong>'
        f'<span id="integration-note">{escape(_EXPLAINED[state])}</span></div>{_saved(project.integration, look)}'
        "</section>"
    )


def _saved(stored: TrackedIntegration | None, look: Page) -> str:
    if stored is None:
        return ""
    rows = "".join(
        f'<dt>{escape(look.labels[name])}</dt><dd id="saved-{_INPUT_IDS[name]}">{escape(getattr(stored, name))}</dd>'
        for name in ("bundle_id", "issuer_id", "key_id")
    )
    uploaded = f'<dt>{escape(look.labels["private_key"])}</dt><dd id="saved-private-key-file">Uploaded</dd>'
    return f'<dl id="saved-values">{rows}{uploaded}</dl>'


def _section(project: DevtodevProject, look: Page, path: str, csrf_token: str, refused: Checked | None) -> str:
    stored = project.integration
    saved = {name: getattr(stored, name) for name in ("bundle_id", "issuer_id", "key_id")} if stored else {}
    values = saved if refused is None else refused.values
    problems = refused.problems if refused else {}
    fields = "".join(
        _field(name, label, values.get(name, ""), problems.get(name))
        for name, label in look.labels.items()
        if name not in look.leave_out
    )
    form = (
        f'<form id="integration-form" method="post" action="{escape(path)}" enctype="multipart/form-data" novalidate>'
        f'<input type="hidden" name="{CSRF_FIELD}" value="{csrf_token}">{fields}'
        f'<button type="submit" id="integration-submit">{escape(look.texts["submit"])}</button></form>'
    )
    if look.appears_after_ms:
        form = (
            '<p id="integration-loading">Loading…</p>'
            f'<template id="integration-form-template" data-appears-after-ms="{look.appears_after_ms}">'
            f"{form}</template>"
        )
    return f'<section class="card" aria-labelledby="form-heading"><h2 id="form-heading">App Store</h2>{form}</section>'


def _field(name: str, label: str, value: str, problem: Problem | None) -> str:
    input_id = _INPUT_IDS[name]
    kind = f'type="text" value="{escape(value)}" autocomplete="off" spellcheck="false"'
    hint = ""
    described = []
    if name == FILE_FIELD:
        kind = 'type="file" accept=".p8"'
        hint = f'<p class="hint" id="{input_id}-hint">The file of the In-App Purchase key, as Apple gave it.</p>'
        described.append(f"{input_id}-hint")
    shown = ""
    if problem is not None:
        shown = f'<p class="problem" id="{input_id}-problem">{escape(problem.text)}</p>'
        described.append(f"{input_id}-problem")
    invalid = ' aria-invalid="true"' if problem else ""
    by = f' aria-describedby="{" ".join(described)}"' if described else ""
    return (
        f'<div class="field"><label for="{input_id}">{escape(label)}</label>'
        f'<input id="{input_id}" name="{name}" {kind}{invalid}{by}>{hint}{shown}</div>'
    )
