# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each process would compile anew is compiled by the first one: files of collections, a module's zip, templates.

Only the standard library, as any version of ansible-core uses this.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import marshal
import os
import types
import typing as t
import zipimport
from pathlib import Path


class Compiled:
    """What processes have compiled: each writes it into a folder, and one that ``learns`` gives it to its forks."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._known: dict[str, t.Any] = {}

    def once(self, key: bytes, make: t.Callable[[], t.Any]) -> t.Any:
        """Give what somebody has made, or make it for all."""
        name = hashlib.sha256(key).hexdigest()
        if name not in self._known:
            path = self._place / name
            if path.exists():
                self._known[name] = marshal.loads(path.read_bytes())
            else:
                self._known[name] = make()
                new = self._place / f"{name}.{os.getpid()}"
                new.write_bytes(marshal.dumps(self._known[name]))
                new.replace(path)
        return self._known[name]

    def compile(self, source: str | bytes, filename: str, mode: str, flags: int = 0, *, dont_inherit: bool) -> t.Any:
        """Do what Python's own does, once."""
        text = source.encode() if isinstance(source, str) else source
        # A zip lies in another place each time.
        key = f"{filename.rpartition('.zip/')[2]} {mode} {flags} ".encode() + text
        return self.once(key, lambda: compile(source, filename, mode, flags, dont_inherit))

    def learn(self) -> None:
        """Read what others have compiled."""
        for name in os.listdir(self._place):
            if name not in self._known and "." not in name:
                self._known[name] = marshal.loads((self._place / name).read_bytes())

    def serve_zips(self) -> None:
        """Compile what is imported from zips."""
        vars(zipimport)["compile"] = self.compile

    def serve_yaml(self) -> None:
        """Read Ansible's own settings and the metadata of collections once, in what is imported after this."""
        yaml = importlib.import_module("yaml")
        plain, kinds = yaml.load, {getattr(yaml, f"{kind}Loader", None) for kind in ("CSafe", "CBase")}

        @functools.wraps(plain)
        def load(stream: t.Any, Loader: t.Any) -> t.Any:
            name = str(getattr(stream, "name", ""))
            if Loader not in kinds or not (isinstance(stream, bytes) or name.endswith("ansible/config/base.yml")):
                return plain(stream, Loader)
            text = stream if isinstance(stream, bytes) else stream.read()
            make = functools.partial(plain, text, Loader)
            return marshal.loads(self.once(f"{Loader.__name__} ".encode() + text, lambda: marshal.dumps(make())))

        yaml.load = load

    def serve_ansible(self) -> None:
        """Compile the files of Ansible's collections and its templates, and load what its workers would each load."""
        vars(importlib.import_module("ansible.utils.collection_loader._collection_finder"))["compile"] = self.compile
        bits = importlib.import_module("ansible._internal._templating._jinja_bits")
        Templates(self, bits).serve()
        for loader in (bits.filter_loader, bits.test_loader):
            loader._ensure_non_collection_wrappers()


class Templates:
    """Compiles the templates and expressions of Ansible's Jinja once."""

    def __init__(self, compiled: Compiled, bits: t.Any) -> None:
        self._compiled = compiled
        self._bits = bits
        self._made: types.CodeType | None = None

    def _key(self, kind: str, environment: t.Any, source: str) -> bytes:
        """All that the code depends on; of a plugin it has only the name."""
        context = self._bits._TemplateCompileContext.current(optional=True)
        settings = [getattr(environment, name) for name in self._bits._TEMPLATE_OVERRIDE_FIELD_NAMES]
        config = self._bits._TemplateConfig
        more = (context and context.escape_backslashes, config.allow_embedded_templates, config.jinja_extensions)
        return f"{kind} {settings} {more} ".encode() + str(source).encode(errors="surrogatepass")

    def serve(self) -> None:
        """Take the place of what the environment of Ansible does."""
        kind = self._bits.AnsibleEnvironment
        of_template, of_expression = kind.compile, kind.compile_expression
        from_code = kind.template_class.from_code

        @functools.wraps(of_template)
        def template(environment: t.Any, source: t.Any, *others: t.Any, **named: t.Any) -> t.Any:
            make = functools.partial(of_template, environment, source, *others, **named)
            if isinstance(source, str) and not (others or named):
                return self._compiled.once(self._key("template", environment, source), make)
            self._made = make()
            return self._made

        @functools.wraps(of_expression)
        def expression(environment: t.Any, source: str, undefined_to_none: bool = True) -> t.Any:
            def make() -> t.Any:
                of_expression(environment, source)
                return self._made

            code = self._compiled.once(self._key("expression", environment, source), make)
            made = from_code(environment, code, environment.make_globals(None), None)
            return self._bits.TemplateExpression(made, undefined_to_none)

        kind.compile, kind.compile_expression = template, expression
