"""How far the REST path of a method may reach: never to what is another's."""

import re
from collections.abc import Iterator

from gateway import paths, surface
from gateway.model import Method, Model

_VERSION = re.compile(r"v\d+\w*")
_OWN = (surface.LIVENESS, surface.READINESS, *surface.DOCUMENTS, *surface.REFLECTION)


def problems(method: Method, model: Model) -> Iterator[str]:
    """What is wrong with the method's paths, each with what to do."""
    for binding in method.bindings:
        where, form = f"{binding.verb} {binding.path}", paths.shape(binding.path)
        if _any_collection(form):
            yield f"{where} takes every collection's paths: name one, as in /v1/{{name=items/*}}"
            continue
        for path, owner in _answered(model).items():
            if re.fullmatch(_pattern(form), path):
                yield f"{where} takes {path}, which belongs to {owner}: take another path"
        if "**" in form:
            for other in _swallowed(binding.verb, form, method, model):
                yield f"{where} takes {other} too: write one `*` for each segment"


def _any_collection(form: str) -> bool:
    """Whether a wildcard stands where the name of a collection should, behind the version."""
    first, *more = form.strip("/").split("/")
    return "*" in (more[0] if more and _VERSION.fullmatch(first) else first)


def _answered(model: Model) -> dict[str, str]:
    """Path → whose it is, whatever the verb."""
    methods = {method.path: f"gRPC calls of {_name(method)}" for method in model.methods()}
    return dict.fromkeys(_OWN, "the edge itself") | methods


def _swallowed(verb: str, form: str, method: Method, model: Model) -> Iterator[str]:
    """Every other method's path of this verb that a `**` takes."""
    for other in model.methods():
        for binding in other.bindings:
            theirs = paths.shape(binding.path)
            example = theirs.replace("**", "*").replace("*", "x")
            told_apart = other != method and (binding.verb, theirs) != (verb, form)
            if told_apart and binding.verb == verb and re.fullmatch(_pattern(form), example):
                yield f"{binding.path} of {_name(other)}"


def _pattern(form: str) -> str:
    """Like Envoy's transcoder, which takes `**` for no segment too."""
    before, wild, after = form.partition("/**")
    return paths.pattern(before) + ("(/.*)?" if wild else "") + re.escape(after)


def _name(method: Method) -> str:
    return f"{method.service}.{method.name}"
