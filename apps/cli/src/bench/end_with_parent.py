"""Whoever started this process holds the other end of its standard input; when it is gone, this process ends."""

import ctypes
import os
import signal
import sys
import threading

# Of <sys/prctl.h>: the signal that this process gets when its parent ends.
PR_SET_PDEATHSIG = 1


def wait_for_end() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def end_with_parent() -> None:
    """To be called before torch is imported, which takes seconds."""
    # A thread does not run while gloo waits for other ranks with the interpreter's lock held; where there is such a signal, it comes then too.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=wait_for_end, daemon=True).start()
