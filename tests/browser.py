"""Debian's chromium, driven over its own protocol: no driver to install, nothing fetched."""

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

PROGRAM = shutil.which("chromium")
PATIENCE = 30  # seconds


class Browser:
    """One page of a browser."""

    def __init__(self, socket: ClientConnection):
        self._socket = socket
        self._numbers = itertools.count(1)
        self.requested: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; what the page requests and complains of meanwhile is kept."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._socket.recv(timeout=PATIENCE))
            if said.get("id") == number:
                assert "error" not in said, f"{method}: {said['error']}"
                return said["result"]
            if said.get("method") == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])
            elif said.get("method") == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.complaints.append(f"{said['params']['entry']['text']} {said['params']['entry'].get('url', '')}")

    def go(self, url: str) -> None:
        """Open an address and wait until it is there."""
        self.ask("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        found = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, f"{script[:200]}: {found['exceptionDetails']}"
        return found["result"].get("value")

    def wait(self, condition: str, patience: float = PATIENCE) -> None:
        """Until an expression is true, so many seconds at most."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            try:
                if self.run(f"!!({condition})"):
                    return
            except AssertionError:  # the page is just being replaced
                pass
            time.sleep(0.1)
        raise AssertionError(f"never came true: {condition}\n{self.run('document.body.innerText')[:2000]}")

    def type(self, field: str, text: str) -> None:
        """Type into the field that a selector finds."""
        self.run(f"document.querySelector({json.dumps(field)}).focus()")
        self.ask("Input.insertText", text=text)

    def look(self, width: int = 1280, height: int = 860, *, dark: bool = False) -> None:
        """The size of the window, and what the machine prefers."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path, below: str = "", until: str = "") -> None:
        """A picture of what is seen; with two selectors from the top of one element to the end of the other."""
        clip = {}
        if until:
            top = self.run(f"document.querySelector({below!r}).getBoundingClientRect().top + scrollY")
            end = self.run(f"document.querySelector({until!r}).getBoundingClientRect().bottom + scrollY")
            width = self.run("document.documentElement.clientWidth")
            area = {"x": 0, "y": top, "width": width, "height": end - top, "scale": 1}
            clip = {"clip": area, "captureBeyondViewport": True}
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png", **clip)["data"]))

    def save_into(self, folder: Path) -> None:
        """Where downloads go."""
        self.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser of one's own; its profile lies in the folder."""
    process = subprocess.Popen(
        [
            PROGRAM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--lang=en",
            "--remote-debugging-port=0",
            f"--user-data-dir={folder}",
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with connect(_page(folder / "DevToolsActivePort"), max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait(20)


def _page(told: Path) -> str:
    """The address of the page that stands open."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if told.exists() and told.read_text().count("\n"):
            port = told.read_text().splitlines()[0]
            for target in httpx.get(f"http://127.0.0.1:{port}/json").json():
                if target["type"] == "page":
                    return target["webSocketDebuggerUrl"]
        time.sleep(0.1)
    raise AssertionError("chromium did not start")
