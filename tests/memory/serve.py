#!/usr/bin/env python3
"""serve.py KVREPLAY FAILING_LIBRARY [CERTIFICATE-MAKER]: each allocation of a server, which speaks TLS
if there is a CERTIFICATE-MAKER, fails in turn, alone and with all that follow it. A client whose
request meets one is told so or loses its connection; nobody ever gets another's bytes, whoever comes
later is served, and the server ends when it is asked to.

A random few fail, by KVREPLAY_SEED; all with KVREPLAY_EACH=all, so many with KVREPLAY_EACH=N.
Without TLS, how much memory clients may take in the middle of their requests is tested, too."""
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile

from client import NOOP, Client, attempt, request, retrieve, speak_tls, store
from preload import preloadable
from turns import turns

KVREPLAY, LIBRARY = sys.argv[1:3]
LIBRARY = preloadable(LIBRARY)
MAKER = sys.argv[3] if len(sys.argv) > 3 else None
OPTIONS = ["-p", "0", "-t", "1"]
SAMPLE = 30
SIZE = 50000
OUT_OF_MEMORY = 0x82


class Server:
    def __init__(self, environment, *options):
        self.process = subprocess.Popen(
            [KVREPLAY, "serve", *OPTIONS, *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **environment))
        line = self.process.stdout.readline().decode()
        self.port = int(line.rsplit(":", 1)[1]) if line else None

    def end(self):
        """The exit status, and what was said."""
        if self.port is not None:
            self.process.send_signal(signal.SIGTERM)
        try:
            _, said = self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            return "none: it does not end", b""
        return self.process.returncode, said

    def resident(self, name):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name)) * 1024


def begin_storing(port, letter):
    """A pipeline of which the last request, to store so many letters, has not come whole."""
    client = Client(port)
    client.send(request(NOOP) * 1000 + store(letter, letter * SIZE)[:SIZE // 2])
    client.receive(1000 * 24)
    return client


def end_storing(client, letter):
    client.send(store(letter, letter * SIZE)[SIZE // 2:])
    return client.answer()[0]


def check_value(port, letter):
    client = Client(port)
    client.send(retrieve(letter))
    status, value = client.answer()
    return status != 0 or value == letter * SIZE


def talk(port):
    """Two clients by turns. What is wrong with what they got; None: nothing."""
    letters = (b"a", b"b")
    clients = [(letter, attempt(begin_storing, port, letter)) for letter in letters]
    for letter, client in clients:
        if client is not None and attempt(end_storing, client, letter) not in (
                None, 0, OUT_OF_MEMORY):
            return "%s is answered otherwise" % letter
    for letter in letters:
        if attempt(check_value, port, letter) is False:
            return "%s has another's bytes" % letter
    return None


def is_served(port):
    client = Client(port)
    client.send(request(NOOP))
    return client.answer() == (0, b"")


def fail(variable, number):
    server = Server({"LD_PRELOAD": LIBRARY, variable: str(number)})
    try:
        wrong = None if server.port is None else talk(server.port)
        if wrong is None and server.port is not None and variable == "KVREPLAY_FAIL_AT" and \
                not any(attempt(is_served, server.port) for _ in range(2)):
            wrong = "the next client is not served"
    except socket.timeout:
        wrong = "no answer comes"
    status, said = server.end()
    if server.port is None and (status != 70 or b"memory" not in said.lower()):
        wrong = "it does not begin, with status %s" % status
    elif status == 70 and b"memory" in said:  # it could not go on from "ready"
        wrong = None
    elif server.port is not None and status != 0:
        wrong = "it ends with status %s" % status
    if wrong is not None:
        sys.exit("%s=%d: %s\n%s" % (variable, number, wrong, said.decode(errors="replace")))


def count_allocations(use):
    with tempfile.NamedTemporaryFile() as counted:
        server = Server({"LD_PRELOAD": LIBRARY, "KVREPLAY_FAIL_COUNT": counted.name})
        if use(server.port) is not None or server.end()[0] != 0:
            sys.exit("it fails when no allocation does")
        return int(counted.read())


def fail_in_turn():
    idle, count = count_allocations(lambda port: None), count_allocations(talk)
    numbers = turns(SAMPLE, count, idle)
    for number in numbers:
        fail("KVREPLAY_FAIL_AT", number)
        fail("KVREPLAY_FAIL_FROM", number)
    print("%d allocations, %d failed in turn" % (count, 2 * len(numbers)))


def bound_memory():
    """Clients that are each one byte short of a large value take no more than the limit, and what
    connections may have beside it."""
    clients, size, limit = 200, 1 << 19, 16 << 20
    server = Server({}, "-m", "16m")
    filler = Client(server.port)
    for i in range(2 * limit // size):
        filler.send(store(b"filler%d" % i, bytes(size)))
        filler.answer()
    waiting = [Client(server.port) for _ in range(clients)]
    for i, client in enumerate(waiting):
        client.send(store(b"key%d" % i, bytes(size))[:-1])
    filler.send(request(NOOP))
    filler.answer()
    for client in waiting:
        client.send(bytes(1))
    statuses = [client.answer()[0] for client in waiting]
    most = server.resident("VmHWM:")
    print("%d stored, %d out of memory; %d MiB" %
          (statuses.count(0), statuses.count(OUT_OF_MEMORY), most >> 20))
    if not 0 < statuses.count(0) <= limit // 2 // size + 2 or \
            statuses.count(0) + statuses.count(OUT_OF_MEMORY) != clients:
        sys.exit("the statuses are others")
    if most > 2 * limit + (16 << 20) + clients * (64 << 10):
        sys.exit("it takes %d MiB" % (most >> 20))
    filler.send(store(b"later", bytes(size)))
    if filler.answer()[0] != 0 or server.end()[0] != 0:
        sys.exit("what comes later is not stored")


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    if MAKER is None:
        fail_in_turn()
        bound_memory()
        return
    with tempfile.NamedTemporaryFile() as certificate:
        subprocess.run([MAKER, certificate.name], check=True)
        OPTIONS.extend(["--tls-cert", certificate.name])
        speak_tls()
        fail_in_turn()


main()
