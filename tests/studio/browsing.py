"""The page in the machine's own Chromium, served by this process; everything that the browser says or asks for is kept."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from danlu.studio.app import application
from danlu.studio.desk import Desk
from danlu.studio.serve import address, listening

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
PATIENCE = 120_000  # milliseconds until a test gives up: a busy machine must not fail it


@contextmanager
def served(subject: Any) -> Iterator[str]:
    """The address of a server on a subject, until the block ends."""
    desk, listener = Desk(), listening("127.0.0.1", None)
    server = uvicorn.Server(uvicorn.Config(application(subject, desk=desk), log_config=None, lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield address(listener)
    finally:
        server.should_exit = True
        thread.join(30)
        desk.close()
        listener.close()


class Visit:
    """A page that was opened. said: errors and warnings of its console. asked: addresses that it asked for, with kB of the answers."""

    def __init__(self, browser: Any, url: str, language: str, width: int = 1280, scheme: str = "light") -> None:
        self.url = url
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.add_init_script(f"localStorage.setItem('danlu-language', '{language}')")

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def open(self, name: str = "diagrams") -> Any:
        """The page, once its numbers are there."""
        self.page.goto(f"{self.url}#/{name}")
        self.page.wait_for_selector("h1")
        self.page.wait_for_selector("section.card svg" if name != "diagrams" else ".graph svg")
        return self.page

    def see(self, folder: Path | None, name: str) -> None:
        """Keep a picture of it, to be looked at by eye."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}.png", full_page=True)
