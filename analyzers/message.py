"""A sentence for people that can be said in another language later.

The pillars speak English and know nothing of translation: they return a `Message`, a template with
named parameters. The roof looks the template up in its catalogue and fills in the same parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """An English template (`"up to {value}x"`) and what fills it.

    Parameters that are messages' templates themselves (a device class, a baseline's kind) are
    listed in `words`: those are translated before they are filled in. A parameter may be a message
    of its own (the reason behind a failure), or the record of one.
    """

    template: str
    params: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def render(self, translate: Callable[[str], str] = lambda text: text) -> str:
        """Return the sentence, its template and its words passed through `translate`."""
        filled = {
            name: translate(str(value)) if name in self.words else _plain(value, translate)
            for name, value in self.params.items()
        }
        return translate(self.template).format(**filled)

    def __str__(self) -> str:
        return self.render()

    def to_json(self) -> dict[str, Any]:
        """Return the record that the catalog keeps."""
        params = {
            name: value.to_json() if isinstance(value, Message) else value
            for name, value in self.params.items()
        }
        record: dict[str, Any] = {"template": self.template, "params": params}
        if self.words:
            record["words"] = list(self.words)
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Message:
        """Read what `to_json` wrote; a record that something else wrote stays text.

        A template of `str.format` could ask for attributes of what fills it, or for a field as wide
        as the memory. Names that nothing fills are left empty.
        """
        template, params = str(record["template"]), dict(record["params"])
        names = _names_in(template)
        if names is None:
            return cls(template.replace("{", "{{").replace("}", "}}"))
        params = dict.fromkeys(names, "") | params
        return cls(template, params, tuple(record.get("words", ())))


_FIELD = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)(?:!r)?\}|([{}])")


@lru_cache(maxsize=2000)
def _names_in(template: str) -> frozenset[str] | None:
    """Return the names that fill a template, None for one that asks for more than to be filled."""
    found = _FIELD.findall(template)
    if any(stray for _, stray in found):
        return None
    return frozenset(name for name, _ in found if name)


def message(template: str, /, *, words: tuple[str, ...] = (), **params: Any) -> Message:
    """Build a `Message`; the template must be a literal, so that it can be collected."""
    return Message(template, params, words)


def N_(text: str) -> str:  # noqa: N802 - gettext calls it so
    """Mark a word for the catalogue, to be filled into a message later, and return it unchanged."""
    return text


def _plain(value: Any, translate: Callable[[str], str]) -> str:
    if isinstance(value, Mapping) and "template" in value:
        value = Message.from_json(value)
    if isinstance(value, Message):
        return value.render(translate)
    if not isinstance(value, float):
        return str(value)
    # A ratio close to 1 says nothing in three digits: 1.003x isn't 1x.
    near_one = 0.9 < value < 1.1 and round(value, 2) != value
    return f"{value:.3f}" if near_one else f"{value:.3g}"
