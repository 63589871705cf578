"""Couchbase's SDK without a feature of its HELLO: it does not ask for it, or the server does not grant it. What it does then
is recorded, and nothing in that differs. Usage: PROGRAM FOLDER-OF-CLIENTS

KVREPLAY_FEATURES=all: without each of them; otherwise some, which KVREPLAY_SEED chooses."""

import os
import random
import socket
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(1, sys.argv[2])
SCRIPT = os.path.join(sys.argv[2], "couchbase_tour.js")

import compare
from recording import RecordTest, receive

HELLO = 0x1F
# What the SDK asks for; the last one is all of them.
FEATURES = (0x03, 0x04, 0x06, 0x07, 0x08, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x14, 0x15, 0x17, 0x1C, 0x1E,
            None)
NEEDED_BY = {0x0C: 0x0D}  # a HELLO with the one but without the other is refused
SOME = 3
SECONDS = 100


def without(frame, left_out):
    """A HELLO."""
    lengths = struct.unpack(">HB", frame[2:5])
    begin = 24 + sum(lengths)
    features = struct.unpack(f">{(len(frame) - begin) // 2}H", frame[begin:])
    gone = features if left_out is None else (left_out, NEEDED_BY.get(left_out))
    value = b"".join(struct.pack(">H", feature) for feature in features if feature not in gone)
    return frame[:8] + struct.pack(">I", begin - 24 + len(value)) + frame[12:begin] + value


class Filter:
    """Hands on what it gets, but for a feature, and for the port in configurations, which leads clients back to it."""

    def __init__(self, target, left_out):
        self.target, self.left_out = target, left_out
        self.listener = socket.create_server(("127.0.0.1", 0))
        while len(str(self.port())) != len(str(target)):
            self.listener = socket.create_server(("127.0.0.1", 0))
        self.start(self.accept)

    def port(self):
        return self.listener.getsockname()[1]

    def start(self, function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            server = socket.create_connection(("127.0.0.1", self.target))
            self.start(self.hand_on_requests, client, server)
            self.start(self.hand_on, server, client, str(self.target).encode(), str(self.port()).encode())

    def hand_on_requests(self, client, server):
        header = receive(client, 24)
        if len(header) == 24 and header[1] == HELLO:
            server.sendall(without(header + receive(client, struct.unpack(">I", header[8:12])[0]), self.left_out))
        self.hand_on(client, server, b"", b"")

    def hand_on(self, source, sink, old, new):
        try:
            while data := source.recv(1 << 20):
                sink.sendall(data.replace(b":" + old, b":" + new) if old else data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            sink.close()


class Features(RecordTest):
    def tour(self, left_out, granted):
        """What its operations came to."""
        name = f"{left_out}-{granted}.pcapng"
        serve = self.serve("--dialect", "couchbase", "--vbuckets", "4", "--user", "client:secret")
        between = Filter(serve.port(), left_out).port() if granted else serve.port()
        proxy = self.proxy(f"127.0.0.1:{between}", name)
        port = proxy.port() if granted else Filter(proxy.port(), left_out).port()
        done = subprocess.run(["node", SCRIPT, f"127.0.0.1:{port}", "client", "secret", "default"], capture_output=True,
                              text=True, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.stop(proxy)
        said = self.verify(name)
        return f"{done.stdout.splitlines()[-1]}; {said.splitlines()[-1]}"

    def test_none_differs(self):
        seed = int(os.environ.get("KVREPLAY_SEED", random.randrange(1 << 32)))
        print(f"KVREPLAY_SEED={seed}")
        every = [(feature, granted) for feature in FEATURES for granted in (False, True)]
        some = every if os.environ.get("KVREPLAY_FEATURES") == "all" else random.Random(seed).sample(every, SOME)
        for left_out, granted in some:
            what = "all" if left_out is None else f"{left_out:#04x}"
            with self.subTest(f"without {what}, {'not granted' if granted else 'not asked for'}"):
                print(what, "not granted" if granted else "not asked for", self.tour(left_out, granted))


if __name__ == "__main__":
    if not compare.installed(SCRIPT):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2, warnings="ignore")
