"""Components that several tabs use, as they look there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import gradio as gr

from fakenews.share.links import base_address
from fakenews.ui import render

if TYPE_CHECKING:
    from fakenews.engine import Engine

Drawn = dict[Any, Any]  # what a handler returns: values by component; what is left out stays as it is
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}  # settings of the page's own events
# Nothing is lost because the same was asked for just before and is still under way: that gives up.
_AGAIN: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": 2, **PRIVATE}
JUDGING: dict[str, Any] = {"concurrency_id": "judge", **_AGAIN}
EXPLAINING: dict[str, Any] = {"concurrency_id": "explain", **_AGAIN}


def unchanged(component: Any) -> Drawn:
    """Return what a handler returns that changes nothing; `component` is any of its outputs."""
    return {component: gr.skip()}


def heading(title: str) -> gr.HTML:
    """Return the heading of a section."""
    return gr.HTML(render.heading(title))


def small(name: str, id_: str, **settings: Any) -> gr.Button:
    """Return a small button."""
    return gr.Button(name, elem_id=id_, size="sm", **settings)


def plain(name: str, id_: str, **settings: Any) -> gr.Button:
    """Return a small button that looks like a link."""
    return small(name, id_, elem_classes="fn-plain", **settings)


def segments(label: str, id_: str, choices: Sequence[tuple[str, str]], value: str | None = None) -> gr.Radio:
    """Return choices side by side, whose label is only heard."""
    look: dict[str, Any] = {"show_label": False, "container": False, "elem_classes": "fn-seg"}
    return gr.Radio(list(choices), value=value, label=label, elem_id=id_, **look)


def filled(components: Mapping[str, Any], values: Mapping[str, Any]) -> dict[Any, Any]:
    """Return what a handler gives to Gradio: values by component, where they came by the names of the components."""
    return {components[name]: value for name, value in values.items()}


def filling(components: Mapping[str, Any], handler: Callable[..., Mapping[str, Any]]) -> Callable[..., dict[Any, Any]]:
    """Return the handler as Gradio takes it, of one whose values come by the names of the components."""

    @wraps(handler)
    def fill(*values: Any) -> dict[Any, Any]:
        return filled(components, handler(*values))

    return fill


def address_of(engine: Engine, request: gr.Request) -> str:
    """Return where this visitor finds the page."""
    http_request = request.request
    return base_address(engine.settings.public_url, http_request.base_url if http_request is not None else "")
