"""Threads of Python: each has another function on top; main says so, and waits."""

from __future__ import annotations

import os
import threading
import time

WAITS = 10_000
ready = threading.Barrier(4)
pipe, _ = os.pipe()
lock = threading.Lock()


def in_read() -> None:
    ready.wait()
    os.read(pipe, 1)


def in_sleep() -> None:
    ready.wait()
    time.sleep(WAITS)


def in_lock() -> None:
    ready.wait()
    lock.acquire()


def in_main() -> None:
    ready.wait()
    time.sleep(0.5)  # the others are in their calls by then
    threads = {thread.name: thread.native_id for thread in threading.enumerate()}
    print(*(f"{name}={number}" for name, number in threads.items()), "ready", flush=True)
    time.sleep(WAITS)


lock.acquire()
for body in (in_read, in_sleep, in_lock):
    threading.Thread(target=body, name=body.__name__, daemon=True).start()
threading.current_thread().name = "in_main"
in_main()
