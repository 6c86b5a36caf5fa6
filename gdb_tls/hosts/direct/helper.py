"""A second process for work that may crash or never end: what befalls it costs its answers, and nothing else."""

from __future__ import annotations

import ctypes
import marshal
import os
import resource
import signal
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

# Of processor time, for each question: it passes as slowly as the machine is busy, and a loop spends it.
MOST_SECONDS = 120
PR_SET_PDEATHSIG = 1  # Linux, prctl.h
SIZE = struct.Struct("<Q")


class HelperFailed(Exception):
    """There is no answer; the text says why."""


class Helper:
    """Asks the methods of an object that lives in a forked process, one after the other.

    Questions and answers are what `marshal` can write: numbers, texts, tuples, lists and mappings.

    The process may use `MOST_SECONDS` of processor time for each question and half of the machine's memory. Where it
    ends (a fault of a C library, or one of these limits), this and all later questions fail with the reason.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        """Starts the process.

        Args:
            make: makes the object there, at once; what it raises is the answer to every question.
        """
        self._problem = ""
        asked, questions = os.pipe()
        answers, answered = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            try:
                os.close(questions)
                os.close(answers)
                with open(asked, "rb", buffering=0) as asking, open(answered, "wb", buffering=0) as answering:
                    _serve(make, asking, answering)
            finally:
                os._exit(0)
        os.close(asked)
        os.close(answered)
        self._questions = open(questions, "wb", buffering=0)  # noqa: SIM115 - open as long as the Helper
        self._answers = open(answers, "rb")  # noqa: SIM115

    def ask(self, method: str, *arguments: Any) -> Any:
        """The method's answer.

        Raises:
            HelperFailed: where there is none.
        """
        if self._problem:
            raise HelperFailed(self._problem)
        try:
            _write(self._questions, (method, arguments))
            found = _read(self._answers)
        except OSError:
            found = None
        if found is None:
            self._problem = self._ending()
            raise HelperFailed(self._problem)
        is_answer, value = found
        if not is_answer:
            raise HelperFailed(value)
        return value

    def _ending(self) -> str:
        """How the process has ended."""
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        if not os.WIFSIGNALED(status):
            return "it ended"
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return f"it came to no end in {MOST_SECONDS} s of processor time"
        with suppress(ValueError):
            return f"it ended by {signal.Signals(number).name}"
        return f"it ended by signal {number}"

    def __del__(self) -> None:
        """Ends the process."""
        with suppress(AttributeError, OSError):
            if self._pid:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
            self._questions.close()
            self._answers.close()


def _serve(make: Callable[[], Any], questions: BinaryIO, answers: BinaryIO) -> None:
    """Answers until nobody asks any more."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asks
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):  # what a C library says before it aborts
        os.dup2(null, number)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit(resource.RLIMIT_DATA, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    _limit(resource.RLIMIT_CPU, int(sum(os.times()[:2])) + MOST_SECONDS)
    made, why = None, ""
    try:
        made = make()  # before the first question: who asks it has something else to do meanwhile
    except Exception as error:
        why = _words(error)
    while True:
        question = _read(questions)
        if question is None:
            return
        _limit(resource.RLIMIT_CPU, int(sum(os.times()[:2])) + MOST_SECONDS)
        try:
            method, arguments = question
            _write(answers, (False, why) if made is None else (True, getattr(made, method)(*arguments)))
        except Exception as error:
            _write(answers, (False, _words(error)))


def _limit(what: int, most: int) -> None:
    """Sets a limit, unless it is lower already."""
    highest = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if highest == resource.RLIM_INFINITY else min(most, highest), highest))


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _write(file: BinaryIO, value: Any) -> None:
    data = memoryview(marshal.dumps(value))
    data = memoryview(SIZE.pack(len(data)) + data)
    while data:
        data = data[file.write(data) :]


def _read(file: BinaryIO) -> Any:
    """What the other side has written; None where it has ended."""
    head = _exactly(file, SIZE.size)
    data = _exactly(file, SIZE.unpack(head)[0]) if head else b""
    return marshal.loads(data) if data else None


def _exactly(file: BinaryIO, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        some = file.read(size - len(found))
        if not some:
            return b""
        found += some
    return bytes(found)
