"""A browser for the workbench without a screen: its websocket, its widgets, what it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ANSWER_S = 60.0


class PageError(Exception):
    """The page showed a sentence in red, or nothing within the time."""


class PageBrokenError(Exception):
    """The page showed what no person is to see: a traceback, or a server's own error."""


@dataclass
class Page:
    """What a page shows after a run of its script."""

    widgets: dict[tuple[str, str], str] = field(default_factory=dict)
    """{(kind, label): id}, of the last where there are several."""
    alerts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Those of the alerts that are red."""
    broken: list[str] = field(default_factory=list)
    elements: int = 0


class Visitor:
    """One session with the workbench at a port of this machine."""

    def __init__(self, port: int) -> None:
        from websockets.sync.client import connect
        from websockets.typing import Subprotocol

        self._socket = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            open_timeout=20,
        )
        self._known: dict[str, Any] = {}
        self._where = ("", "")

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def open(self, page: str, query: str = "") -> Page:
        """Open a page; raises `PageError`, `PageBrokenError`, and websockets' own errors."""
        self._where = (page, query)
        return self._run({})

    def press(self, page: Page, button: str, **texts: str) -> Page:
        """Fill in text fields by their labels and press a button."""
        states: dict[str, str | bool] = {page.widgets["button", button]: True}
        for label, text in texts.items():
            states[page.widgets["text", label.replace("_", " ")]] = text
        return self._run(states)

    def _run(self, states: dict[str, str | bool]) -> Page:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        said = BackMsg()
        said.rerun_script.page_name, said.rerun_script.query_string = self._where
        for key, value in states.items():
            widget = said.rerun_script.widget_states.widgets.add()
            widget.id = key
            if value is True:
                widget.trigger_value = True
            else:
                widget.string_value = str(value)
        self._socket.send(said.SerializeToString())
        return self._answer()

    def _answer(self) -> Page:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        page = Page()
        while True:
            try:
                data = self._socket.recv(timeout=ANSWER_S)
            except TimeoutError:
                raise PageError("no answer within the time") from None
            told = ForwardMsg()
            told.ParseFromString(data)
            if told.WhichOneof("type") == "ref_hash":
                told = self._known.get(told.ref_hash, told)
            elif told.hash:
                self._known[told.hash] = told
            kind = told.WhichOneof("type")
            if kind == "new_session":
                page = Page()
            elif kind == "delta":
                _take(page, told.delta)
            elif kind == "session_event":
                if wrong := told.session_event.script_compilation_exception.message:
                    page.broken.append(wrong)
            elif kind == "script_finished" and told.script_finished != 2:  # 2: it runs once more
                break
        if page.broken:
            raise PageBrokenError("; ".join(page.broken))
        if page.elements == 0:
            raise PageBrokenError("an empty page")
        return page


def _take(page: Page, delta: Any) -> None:
    if delta.WhichOneof("type") != "new_element":
        return
    element = delta.new_element
    kind = element.WhichOneof("type")
    page.elements += 1
    if kind == "exception":
        page.broken.append(f"{element.exception.type}: {element.exception.message}")
    elif kind == "alert":
        text = element.alert.body.replace("\\", "")
        page.alerts.append(text)
        if element.alert.format == element.alert.ERROR:
            page.errors.append(text)
        if "Something went wrong on this page" in text:
            page.broken.append(text)
    elif kind in ("text_area", "text_input"):
        widget = getattr(element, kind)
        page.widgets["text", widget.label] = widget.id
    elif kind == "button":
        page.widgets["button", element.button.label] = element.button.id
