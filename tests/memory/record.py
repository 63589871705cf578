#!/usr/bin/env python3
"""record.py KVREPLAY FAILING_LIBRARY [CERTIFICATE-MAKER]: each allocation of a recording proxy, with
TLS on both sides if there is a CERTIFICATE-MAKER, fails in turn, alone and with all that follow it.
Clients get what they asked for or lose their connection at once, nobody
waits for ever, and the proxy ends when it is asked to: with status 0 only if every client was served
and all of it is in the capture, otherwise with 70, naming memory.

A random few fail, by KVREPLAY_SEED; all with KVREPLAY_EACH=all, so many with KVREPLAY_EACH=N."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from client import Client, attempt, retrieve, speak_tls, store
from preload import preloadable
from turns import turns

KVREPLAY, LIBRARY = sys.argv[1:3]
LIBRARY = preloadable(LIBRARY)
MAKER = sys.argv[3] if len(sys.argv) > 3 else None
SAMPLE = 20
SIZE = 50000
LETTERS = (b"a", b"b")
PATIENCE = 20 # seconds


class Child:
    """A kvreplay that says "ready: ADDRESS"; `port` is None if it ends instead."""

    def __init__(self, stream, environment, *arguments):
        self.process = subprocess.Popen(
            [KVREPLAY, *arguments], bufsize=0, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(os.environ, **environment))
        self.said = b""
        self.port = None
        for line in getattr(self.process, stream):
            self.said += line
            if line.startswith(b"ready: "):
                self.port = int(line.rsplit(b":", 1)[1])
                break

    def end(self):
        """The exit status; None: it does not end."""
        if self.port is not None:
            self.process.send_signal(signal.SIGTERM)
        try:
            out, said = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, said = self.process.communicate()
            self.process.returncode = None
        self.said += out + said
        return self.process.returncode


def begin(port, letter):
    client = Client(port)
    client.send(store(letter, letter * SIZE))
    return client


def converse(client, letter):
    """Whether the client got what it asked for."""
    stored, _ = client.answer()
    client.send(retrieve(letter))
    status, value = client.answer()
    client.close()
    return stored == status == 0 and value == letter * SIZE


def talk(port):
    """Two clients at the same time, each with its connection. The outcomes: True: served, False:
    wrongly, None: the connection was closed."""
    clients = [(letter, attempt(begin, port, letter)) for letter in LETTERS]
    return [None if client is None else attempt(converse, client, letter)
            for letter, client in clients]


def responses(capture):
    """How many the capture has, all of them right."""
    done = subprocess.run([KVREPLAY, "verify", "--json", "-", capture], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout)["totals"]["server_frames"] \
        if done.returncode == 0 else 0


def check(recorder, served, status, capture):
    """What is wrong; None: nothing."""
    if status == 70:
        return None if b"memory" in recorder.said.lower() else "memory is not named"
    if status != 0 or recorder.port is None:
        return "exit status %s" % status
    if served != [True, True]:
        return "exit status 0, and a client was not served"
    if responses(capture) != 4:
        return "exit status 0, and the capture is not whole"
    return None


def tls(folder, *options):
    certificate = os.path.join(folder, "certificate")
    return [one for option in options for one in (option, certificate)] if MAKER else []


def serve(folder):
    if MAKER:
        subprocess.run([MAKER, os.path.join(folder, "certificate")], check=True)
        os.chmod(os.path.join(folder, "certificate"), 0o644)
        speak_tls()
    return Child("stdout", {}, "serve", "-p", "0", "-t", "1", *tls(folder, "--tls-cert"))


def run(environment, folder, server, use=talk):
    """What is wrong, and the recorder, which has ended. The target is named, and the name looked up."""
    capture = os.path.join(folder, "o.pcapng")
    recorder = Child("stderr", environment, "record", "--listen", "127.0.0.1:0", "--to",
                     "localhost:%d" % server.port, "-o", capture, "--force",
                     *(("--user", "nobody") if os.geteuid() == 0 else ()),
                     *tls(folder, "--tls-cert", "--tls-ca"), *(("--tls",) if MAKER else ()))
    wrong, served = None, []
    try:
        served = use(recorder.port) if recorder.port is not None else []
    except socket.timeout:
        wrong = "a client waits for ever"
    status = recorder.end()
    if False in served:
        wrong = "a client got another's bytes"
    return wrong or check(recorder, served, status, capture), recorder


def fail_in_turn(numbers, folder, server):
    """Returns how many runs went wrong."""
    failed = 0
    for number in numbers:
        for variable in ("KVREPLAY_FAIL_AT", "KVREPLAY_FAIL_FROM"):
            wrong, recorder = run({"LD_PRELOAD": LIBRARY, variable: str(number)}, folder, server)
            if wrong is not None:
                failed += 1
                print("%s=%d: %s\n%s" % (variable, number, wrong,
                                         recorder.said.decode(errors="replace")), flush=True)
    return failed


def count_allocations(folder, server, use=talk):
    path = os.path.join(folder, "count of " + use.__name__)
    wrong, recorder = run({"LD_PRELOAD": LIBRARY, "KVREPLAY_FAIL_COUNT": path}, folder, server, use)
    if use == talk and wrong is not None:
        sys.exit("without a failure: %s\n%s" % (wrong, recorder.said.decode()))
    with open(path, encoding="ascii") as counted:
        return int(counted.read())


def test(folder):
    os.chmod(folder, 0o777) # whoever the recorder is then
    server = serve(folder)
    try:
        count = count_allocations(folder, server)
        numbers = turns(SAMPLE, count, count_allocations(folder, server, lambda port: []))
        failed = fail_in_turn(numbers, folder, server)
    finally:
        server.end()
    print("%d allocations, %d failed in turn" % (count, 2 * len(numbers)))
    return failed


def main():
    folder = tempfile.mkdtemp(prefix="kvreplay-memory-")
    try:
        sys.exit(1 if test(folder) != 0 else 0)
    finally:
        shutil.rmtree(folder)


main()
