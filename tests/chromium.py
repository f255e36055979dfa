"""A headless Chromium that a test drives by the DevTools protocol over a pipe, without any library."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import time

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
"""Where it is; "" where none is installed."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)

PATIENCE = 120.0
"""Seconds after which a browser that does not answer is given up."""


@contextlib.contextmanager
def chromium(folder, size=(1200, 1000)):
    """A browser with one tab, which ends with the block; `folder`: for its profile."""
    # It reads commands from descriptor 3 and writes to 4, each message ended by a NUL.
    here, theirs = os.pipe(), os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (*here, *theirs)]
    for end in (*here, *theirs):
        os.close(end)
    command, answer = (ends[0], ends[1]), (ends[2], ends[3])
    silence = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, silence, number) for number in (0, 1, 2)]
    actions += [(os.POSIX_SPAWN_DUP2, command[0], 3), (os.POSIX_SPAWN_DUP2, answer[1], 4)]
    words = [PROGRAM, *FLAGS, f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}"]
    process = os.posix_spawn(PROGRAM, words, os.environ, file_actions=actions, setpgroup=0)
    for end in (command[0], answer[1], silence):
        os.close(end)
    try:
        yield Tab(command[1], answer[0])
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(command[1])
        os.close(answer[0])


class Tab:
    """A tab: commands go out, answers and events come in."""

    def __init__(self, out, back):
        self.out, self.back, self.rest, self.count, self.session = out, back, b"", 0, None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{part}.enable")

    def call(self, method, **parameters):
        """The answer to a command; RuntimeError if there is none or it is an error."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        end, answer = time.monotonic() + PATIENCE, None
        while answer is None and time.monotonic() < end:
            # Events may come in one piece with the answer, before it and after.
            for found in self._messages(end - time.monotonic()):
                if found.get("id") == self.count:
                    answer = found
                else:
                    self.events.append(found)
        if answer is not None and "result" in answer:
            return answer["result"]
        if answer is not None:
            raise RuntimeError(f"{method}: {answer['error']}")
        raise RuntimeError(f"{method}: no answer in {PATIENCE:g} s")

    def _messages(self, seconds):
        ready, _, _ = select.select([self.back], [], [], max(seconds, 0.0))
        if ready:
            part = os.read(self.back, 1 << 20)
            if not part:
                raise RuntimeError("Chromium ended.")
            *whole, self.rest = (self.rest + part).split(b"\0")
            return [json.loads(each) for each in whole]
        return []

    def open(self, path):
        """Loads a file and waits until it is whole."""
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        end = time.monotonic() + PATIENCE
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            if time.monotonic() > end:
                raise RuntimeError(f"{path} was not loaded in {PATIENCE:g} s")
            self.events += self._messages(end - time.monotonic())

    def value(self, expression):
        """What a piece of JavaScript comes to."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def mouse(self, kind, x, y, **more):
        """A deed of the mouse at a place of the window: mouseMoved, mousePressed, mouseReleased."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        """A click with the left button."""
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def requests(self):
        """Addresses that the page asked for since it was opened, but for itself and what is in it."""
        asked = [
            e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith(("data:", "file:"))]

    def faults(self):
        """Errors of scripts, and what the browser complains of."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [e for e in self.events if e["method"] in kinds]

    def picture(self, path, *, whole=False):
        """A PNG of the window, or of the whole page."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def paper(self):
        """The printed page, the bytes of a PDF."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])
