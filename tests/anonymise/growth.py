#!/usr/bin/python3
"""A value that APPEND makes longer and longer, read each time, costs not much more than one that SET makes as long: CPU time,
the best of some runs of each in turn.

usage: growth.py KVREPLAY CORPUS
"""
import os
import subprocess
import sys

KVREPLAY, CORPUS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path[0] = CORPUS
import tempfile  # noqa: E402
from mcbp import *  # noqa: E402,F403
from packets import *  # noqa: E402,F403

STEPS = 800
RUNS = 3
AT_MOST = 5  # times; it was 20 when each piece was replaced anew wherever it occurred


def capture(appended):
    conversation = Conversation()
    conversation.open()
    value = b"begin"
    conversation.exchange([(store(SET, b"log", value), response(SET, cas=1))])
    for i in range(STEPS):
        piece = b"%04x" % (i * 40503 % 65536)
        value += piece
        change = request(APPEND, b"log", value=piece) if appended else store(SET, b"log", value)
        conversation.exchange([(change, response(change[1], cas=i + 2)),
                               (request(GET, b"log"), response(GET, extras=bytes(4), value=value, cas=i + 2))])
    conversation.close()
    return pcap(conversation.packets)


def seconds(path):
    child = subprocess.Popen([KVREPLAY, "anonymise", "-q", path, "-o", path + ".out"])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    assert status == 0, "exit status %d" % status
    return usage.ru_utime + usage.ru_stime


def main():
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("set", "appended")]
        for appended, path in enumerate(paths):
            with open(path, "wb") as f:
                f.write(capture(bool(appended)))
        times = [[seconds(path) for path in paths] for _ in range(RUNS)]
    stored, appended = (min(column) for column in zip(*times))
    print("%.3f s stored, %.3f s appended" % (stored, appended))
    sys.exit(0 if appended <= AT_MOST * stored else "FAILED: %.1f times as much" % (appended / stored))


main()
