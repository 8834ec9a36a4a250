"""Processes whose output can be waited for, and which never outlive their test."""

import contextlib
import os
import re
import subprocess
import threading
import time

LIMIT = 60.0  # seconds; whatever takes longer hangs
GRACE = 20.0  # for what is over at once unless it has gone wrong
# The machine's openssl.cnf and somebody's .curlrc are none of a test's business.
ENVIRONMENT = {**os.environ, "OPENSSL_CONF": os.devnull, "CURL_HOME": os.devnull}


class Program:
    """A running program. Its output, errors included, is gathered as it comes."""

    def __init__(self, *words, takes_input=False, pass_fds=(), **variables):
        self.words = [str(word) for word in words]
        self.output = bytearray()
        self._changed = threading.Condition()
        self._ended = False
        self._process = subprocess.Popen(
            self.words,
            stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            pass_fds=pass_fds,
            env={**ENVIRONMENT, **variables},
        )
        self._reader = threading.Thread(target=self._gather, daemon=True)
        self._reader.start()

    def _gather(self):
        while data := self._process.stdout.read(65536):
            with self._changed:
                self.output += data
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, pattern, start=0, limit=LIMIT):
        """The first match of a pattern (bytes) at or behind `start` in the output."""
        return self._wait(
            lambda: re.compile(pattern, re.M).search(self.output, start), pattern, limit
        )

    def wait_for_bytes(self, size, limit=LIMIT):
        """The first `size` bytes of the output."""
        self._wait(lambda: len(self.output) >= size, f"{size} bytes", limit)
        return bytes(self.output[:size])

    def _wait(self, ready, what, limit):
        deadline = time.monotonic() + limit
        with self._changed:
            while not (result := ready()):
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "ended" if self._ended else f"ran for {limit} s"
                    raise AssertionError(f"{self.words[0]} {why} without {what!r}:\n{self.text()}")
                self._changed.wait(left)
            return result

    def send(self, data):
        self._process.stdin.write(data)

    def end_input(self):
        self._process.stdin.close()

    def wait(self, limit=LIMIT):
        """The exit status, once the program has ended and all its output is here."""
        status = self._process.wait(limit)
        self._reader.join(limit)
        return status

    def text(self):
        return self.output.decode(errors="backslashreplace")

    def running(self):
        return self._process.poll() is None

    def stop(self):
        """Ends the program, this one only, however it feels about it."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if self.running():
            self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(GRACE)
        self._reader.join(GRACE)
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def run(*words, data=None, limit=LIMIT, cwd=None, env=ENVIRONMENT):
    """A program that ends by itself: its exit status, output and errors."""
    given = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
    return subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        timeout=limit,
        check=False,
        cwd=cwd,
        env=env,
        **given,
    )
