"""A real browser, spoken to as the WebDriver standard says: headless Chromium through chromedriver, nothing else."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from limits import LIMIT_SECONDS

FLAGS = (
    "--headless",
    "--remote-debugging-pipe",  # a fresh machine may not know "localhost"
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "ArrowDown": "\ue015", "ArrowUp": "\ue013"}


class Browser:
    """One window; a context manager."""

    def __enter__(self) -> Browser:
        self._profile = tempfile.mkdtemp(prefix="gdb-tls-browser-")
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._driver.stdout is not None
        found = None
        while not found:
            line = self._driver.stdout.readline()
            assert line, "chromedriver does not start"
            found = re.search(r"started successfully on port (\d+)", line)
        self._port = int(found.group(1))
        limit = LIMIT_SECONDS * 1000
        options = {
            "args": [*FLAGS, f"--user-data-dir={self._profile}"],
            "binary": shutil.which("chromium"),
            "browserStartupTimeout": limit,
        }
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": limit, "pageLoad": limit},
        }
        self._session = ""
        answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{answer['sessionId']}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._session:
                self._ask("DELETE", "", None)
        finally:
            self._driver.terminate()
            self._driver.wait(LIMIT_SECONDS)
            assert self._driver.stdout is not None
            self._driver.stdout.close()
            shutil.rmtree(self._profile, ignore_errors=True)

    def _ask(self, method: str, path: str, body: object) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_SECONDS)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, self._session + path, text, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{path}: {value['error']}: {value['message']}")
        return value

    def open(self, file: Path, *, width: int = 1100, height: int = 800, dark: bool = False) -> None:
        """Shows a file, in a window or on a phone of this size."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        phone = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **phone)
        self._ask("POST", "/url", {"url": file.as_uri()})

    def command(self, name: str, **parameters: object) -> Any:
        """A command of Chromium's own protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def run(self, script: str, *arguments: object) -> Any:
        """What a function's body returns in the page."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def type(self, *keys: str) -> None:
        """Presses keys, one after the other, wherever the focus is."""
        presses = [KEYS.get(key, key) for key in keys]
        actions = [{"type": kind, "value": key} for key in presses for kind in ("keyDown", "keyUp")]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def messages(self) -> list[str]:
        """What the page has written to the console, errors of the browser's own too."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, file: Path) -> None:
        """Takes a screenshot."""
        file.write_bytes(base64.b64decode(self._ask("GET", "/screenshot", None)))
