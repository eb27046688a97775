# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx settings. antsibull-docs generates the reference; the guides are docs/guides. Nothing is fetched."""

from __future__ import annotations

project = "storeops.refunds"
author = "storeops.refunds contributors"
copyright = author
title = html_title = "App Store refund tracking"
html_short_title = "storeops.refunds"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.githubpages", "sphinx_antsibull_ext"]
myst_heading_anchors = 3
exclude_patterns = [".doctrees"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_use_smartypants = True
html_theme_options = {
    "documentation_home_url": "index.html",
    "vcs_pageview_mode": "blob",
}
default_role = "any"
nitpicky = True
# Labels and variables of Ansible's own manual, which is not at hand offline.
nitpick_ignore = [
    ("std:ref", "action_plugins"),
    ("std:ref", "common_return_values"),
    ("std:ref", "ansible_configuration_settings"),
    ("std:ref", "ansible_collections.ansible.builtin"),
    ("std:ref", "ansible_collections.ansible.builtin.file_module"),
    ("std:ref", "ansible_collections.ansible.builtin.local_connection"),
    ("std:envvar", "ANSIBLE_CACHE_PLUGIN"),
    ("std:envvar", "ANSIBLE_CACHE_PLUGIN_CONNECTION"),
    ("std:envvar", "ANSIBLE_CACHE_PLUGIN_PREFIX"),
    ("std:envvar", "ANSIBLE_CACHE_PLUGIN_TIMEOUT"),
]
