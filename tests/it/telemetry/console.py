"""Drives a program on a terminal of its own: a line of JSON per step on standard input, one answer per step on standard output.

{"wait": TEXT}   until the last whole frame contains TEXT; answers the frame
{"gone": TEXT}   until it does not
{"send": TEXT}   strikes keys
{"size": [LINES, COLUMNS]}   resizes the window
{"signal": NAME}   sends a signal
{"end": true}   until the program has ended; answers its status, what it left on the terminal, and whether the terminal is as it was
"""

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

DEADLINE = 60.0
FRAME = re.compile(r"\x1b\[\?2026h\x1b\[H(.*?)\x1b\[J\x1b\[\?2026l", re.S)
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def resize(fd, lines, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


master, slave = os.openpty()
resize(master, 24, 120)
before = termios.tcgetattr(slave)


def take_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


program = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal)
written = b""


def read(seconds):
    global written
    ready, _, _ = select.select([master], [], [], seconds)
    if ready:
        try:
            written += os.read(master, 65536)
        except OSError:
            pass


def frame():
    frames = FRAME.findall(written.decode("utf-8", "replace"))
    return CODES.sub("", frames[-1]).replace("\r\n", "\n") if frames else ""


def until(what, holds):
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > DEADLINE:
            sys.exit(f"waited in vain: {what}\nthe last frame:\n{frame()}\nthe end of all:\n{written[-2000:]!r}")
        read(0.05)


for line in sys.stdin:
    step = json.loads(line)
    answer = None
    if "wait" in step:
        until(step, lambda: step["wait"] in frame())
        answer = frame()
    elif "gone" in step:
        until(step, lambda: step["gone"] not in frame())
        answer = frame()
    elif "send" in step:
        os.write(master, step["send"].encode())
    elif "size" in step:
        resize(master, *step["size"])
        program.send_signal(signal.SIGWINCH)
    elif "signal" in step:
        program.send_signal(getattr(signal, "SIG" + step["signal"]))
    elif "end" in step:
        until(step, lambda: program.poll() is not None)
        read(0.05)
        answer = {
            "status": program.returncode,
            "left": written.decode("utf-8", "replace")[-80:],
            "restored": termios.tcgetattr(slave) == before,
        }
    print(json.dumps(answer), flush=True)

program.kill()
