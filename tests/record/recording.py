"""kvreplay record, started for a test on a port that the kernel chooses; servers behind it; and what
tshark, which shares no code with it, finds in the file."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv[1]
PATIENCE = 20  # seconds

folder = tempfile.mkdtemp()
atexit.register(shutil.rmtree, folder)


def path(name):
    return os.path.join(folder, name)


class Child:
    """A program that says "ready: ADDRESS" on one of its streams."""

    def __init__(self, arguments, stream):
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE if stream == "stdout" else None,
            stderr=subprocess.PIPE if stream == "stderr" else None)
        self.output = getattr(self.process, stream)
        self.said = ""
        while not self.said.rpartition("\n")[0].rpartition("\n")[2].startswith("ready: "):
            line = self.output.readline()
            if not line:
                self.process.wait(PATIENCE)
                raise AssertionError(f"not ready: {arguments}: {self.said}")
            self.said += line
        self.address = self.said.splitlines()[-1][len("ready: "):]

    def port(self):
        return int(self.address.rsplit(":", 1)[1])

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The exit status."""
        try:
            self.said += self.output.read()
            return self.process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


class RecordTest(unittest.TestCase):
    def serve(self, *options):
        server = Child([PROGRAM, "serve", "-p", "0", *options], "stdout")
        self.addCleanup(server.kill)
        return server

    def record(self, *options):
        recorder = Child([PROGRAM, "record", *options], "stderr")
        self.addCleanup(recorder.kill)
        return recorder

    def proxy(self, target, output, *options, listen="127.0.0.1:0"):
        target = target.address if isinstance(target, Child) else target
        return self.record("--listen", listen, "--to", target, "-o", path(output), "--force", *options)

    def stop(self, child, status=0):
        child.signal()
        self.assertEqual(child.wait(), status, child.said)

    def connect(self, child):
        """A client of it."""
        if child.address.startswith("/"):
            client = socket.socket(socket.AF_UNIX)
            client.connect(child.address)
        else:
            host, port = child.address.rsplit(":", 1)
            client = socket.create_connection((host.strip("[]"), int(port)))
        client.settimeout(PATIENCE)
        self.addCleanup(client.close)
        return client

    def verify(self, name, *options, status=0):
        """What kvreplay verify says of it."""
        done = subprocess.run([PROGRAM, "verify", *options, path(name)], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def expect_identical(self, name, *options, repeats=False):
        """Nothing differs, and no byte is lost or left over; or there twice, unless TCP has repeated some."""
        said = self.verify(name, *options)
        self.assertIn("unparsed 0", said)
        if not repeats:
            self.assertIn("duplicate 0", said)
        self.assertNotIn("lost", said)
        self.assertNotIn("mid-stream", said)
        return said

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE)


def receive(client, size):
    got = b""
    while len(got) < size:
        more = client.recv(min(size - len(got), 1 << 20))
        if not more:
            break
        got += more
    return got


def receive_all(client):
    """Up to the end."""
    return receive(client, 1 << 40)


def has_tshark():
    return shutil.which("tshark") is not None


CHECKS = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
# Ports that others have would make tshark look into bytes that are none of theirs.
PLAIN = ["--disable-protocol", "memcache", "-o", "tcp.try_heuristic_first:FALSE"]
FIELDS = ["tcp.stream", "tcp.srcport", "tcp.payload", "tcp.flags", "_ws.expert.severity",
          "_ws.expert.message"]
NOTE = 0x400000  # of severities: chat is below


class Dissected:
    """Of each conversation: (port of the sender, its bytes, its flags) by tshark."""

    def __init__(self, name, conversations=None):
        command = ["tshark", "-r", path(name), "-T", "fields", "-E", "separator=;", *CHECKS, *PLAIN]
        for port in conversations or []:
            command += ["-d", f"tcp.port=={port},data"]
        for field in FIELDS:
            command += ["-e", field]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.streams = {}
        self.complaints = []
        self.packets = 0
        for line in done.stdout.splitlines():
            stream, port, payload, flags, severities, message = line.split(";", 5)
            self.packets += 1
            side = self.streams.setdefault(int(stream), {}).setdefault(int(port), [b"", []])
            side[0] += bytes.fromhex(payload.replace(":", ""))
            side[1].append(int(flags, 16))
            if any(int(severity) > NOTE for severity in severities.split(",") if severity):
                self.complaints.append(message)
