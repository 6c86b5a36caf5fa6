"""A client of the Debug Adapter Protocol, as VS Code is one: requests and their answers, one after the other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from integration.sessions import EXTENSION


class DapClient:
    """GDB's own adapter (`gdb -i dap`) with the extension loaded; to be used in a `with`."""

    def __init__(self, gdb: str = "gdb") -> None:
        words = [gdb, "-q", "-nx", "-i", "dap", "-iex", "set debuginfod enabled off", "-ex", f"source {EXTENSION}"]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._number = 0
        self._kept: dict[int, Any] = {}

    def __enter__(self) -> DapClient:
        self.ask("initialize", {"clientID": "test", "adapterID": "gdb"})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def attach(self, program: object, pid: int) -> None:
        """Attaches to a process."""
        asked = self.send("attach", {"program": str(program), "pid": pid})
        self.ask("configurationDone")
        answer = self.answer(asked)
        assert answer["success"], answer

    def console(self, command: str) -> str:
        """What the debug console shows for a command."""
        answer = self.ask("evaluate", {"expression": command, "context": "repl"})
        return str(answer["body"]["result"] if answer["success"] else answer["message"])

    def ask(self, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """Sends a request and waits for its answer."""
        return self.answer(self.send(command, arguments))

    def send(self, command: str, arguments: Mapping[str, Any] | None = None) -> int:
        """Sends a request; its number."""
        assert self._process.stdin is not None
        self._number += 1
        request = {"seq": self._number, "type": "request", "command": command, "arguments": dict(arguments or {})}
        body = json.dumps(request).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()
        return self._number

    def answer(self, number: int) -> Any:
        """The answer to a request."""
        while number not in self._kept:
            message = json.loads(self._message())
            if message["type"] == "response":
                self._kept[message["request_seq"]] = message
        return self._kept.pop(number)

    def _message(self) -> bytes:
        assert self._process.stdout is not None
        size = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        assert size, "GDB has ended"
        return self._process.stdout.read(size)


def has_dap(gdb: str = "gdb") -> bool:
    """Whether a GDB has the adapter: from 14 on."""
    command = [gdb, "-q", "-nx", "--batch", "-ex", "complete interpreter-exec d"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout
    return "interpreter-exec dap" in said
