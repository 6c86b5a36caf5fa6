#!/usr/bin/env python3
"""A small WebSocket client (RFC 6455): sends one message, prints the answer or that the connection was lost.

Exit status: 0 with an answer, 1 without one, 2 for a wrong command line.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import socket
import struct
import sys
import time
from pathlib import Path

TEXT = 0x1
CLOSE = 0x8

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class ConnectionLost(Exception):
    """The server closed the connection, or the connection broke, in the middle of things."""


class WebSocket:
    """One connection to a WebSocket server on this machine.

    Args:
        port: TCP port on 127.0.0.1.
        timeout: seconds that connecting and each single read or write may take.

    Raises:
        ConnectionLost: there is no such server, or it refused the handshake.
    """

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        except OSError as error:
            raise ConnectionLost(f"no connection to port {port}: {error}") from error
        self._received = b""
        try:
            self._shake_hands(port)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the socket, without a closing handshake."""
        self._socket.close()

    def send(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        """Sends one masked frame."""
        if len(payload) <= 125:
            length = struct.pack("!B", 0x80 | len(payload))
        elif len(payload) <= 0xFFFF:
            length = struct.pack("!BH", 0x80 | 126, len(payload))
        else:
            length = struct.pack("!BQ", 0x80 | 127, len(payload))
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.send_raw(bytes([(0x80 if final else 0) | opcode]) + length + mask + masked)

    def send_raw(self, data: bytes) -> None:
        """Sends bytes as they are."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    def receive(self) -> tuple[int, bytes]:
        """Waits for one frame. Returns its opcode and its payload."""
        first, second = self._read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        return first & 0x0F, self._read(length)

    def _shake_hands(self, port: int) -> None:
        key = base64.b64encode(os.urandom(16))
        self.send_raw(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n" % (port, key)
        )
        status, *headers = self._read_until(b"\r\n\r\n").split(b"\r\n")
        proof = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
        if b" 101 " not in status or b"Sec-WebSocket-Accept: " + proof not in headers:
            raise ConnectionLost(f"handshake refused: {status.decode(errors='replace')}")

    def _receive_more(self) -> None:
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise ConnectionLost(str(error)) from error
        if not data:
            raise ConnectionLost("the server closed the connection")
        self._received += data

    def _read(self, count: int) -> bytes:
        while len(self._received) < count:
            self._receive_more()
        data, self._received = self._received[:count], self._received[count:]
        return data

    def _read_until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._receive_more()
        data, _, self._received = self._received.partition(end)
        return data


def wait_for_port(ready_file: Path, timeout: float) -> int:
    """Waits for the file that the server writes when it is ready. Returns the server's port."""
    deadline = time.monotonic() + timeout
    while not ready_file.exists():
        if time.monotonic() > deadline:
            raise ConnectionLost(f"no server after {timeout:g} seconds")
        time.sleep(0.02)
    return int(ready_file.read_text().split()[0])


def main() -> int:
    parser = argparse.ArgumentParser(description="Send one message to a WebSocket server on 127.0.0.1.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int, help="the port of the server")
    where.add_argument("--ready-file", type=Path, help="the file that the server writes when it is ready")
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds for each step (default: 20)")
    parser.add_argument("message", nargs="?", default="hello", help="what to send (default: hello)")
    options = parser.parse_args()
    try:
        port = options.port or wait_for_port(options.ready_file, options.timeout)
        with WebSocket(port, options.timeout) as connection:
            connection.send(TEXT, options.message.encode())
            print(f"sent: {options.message}", flush=True)
            opcode, payload = connection.receive()
            if opcode != TEXT:
                raise ConnectionLost(f"a frame with opcode {opcode} instead of an answer")
            print(f"received: {payload.decode(errors='replace')}")
            connection.send(CLOSE, struct.pack("!H", 1000))
    except ConnectionLost as error:
        print(f"connection lost: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
