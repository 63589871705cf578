"""What the tests of replay share: captures made on the spot, servers, right and wrong, and the program."""
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

program, project = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(project / "corpus"))
import mcbp  # noqa: E402
import packets  # noqa: E402

PATIENCE = 60  # seconds
scratch = pathlib.Path(tempfile.mkdtemp(prefix="kvreplay-live-"))
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)


class Run:
    """A finished run of replay: exit status, report (JSON), the texts."""

    def __init__(self, to, *arguments, environment=None):
        self.arguments = [str(a) for a in arguments]
        report = scratch / "report.json"
        report.unlink(missing_ok=True)
        command = [program, "replay", "--to", to, "--json", str(report), *self.arguments]
        self.began = time.monotonic()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                              env={**os.environ, **(environment or {})})
        self.seconds = time.monotonic() - self.began
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.report = json.loads(report.read_text()) if report.exists() and report.stat().st_size else None

    @property
    def replayed(self):
        return self.report["totals"]["replayed"]

    @property
    def differences(self):
        return [d for c in self.report["captures"] for d in c["differences"]]

    def expect(self, what, status, **counts):
        """The exit status, and numbers of the check "replayed"."""
        check(self.status == status, f"{what}: exit status {self.status} instead of {status}\n{self.out}{self.err}")
        for name, count in counts.items():
            number = self.replayed[name] if self.report else None
            check(number == count, f"{what}: {name} is {number} instead of {count}\n{self.out}")
        return self


class Program:
    """A server in a process of its own: serve on a port that the kernel chooses, or memcached on a UNIX socket."""

    def __init__(self, command, *, path=None):
        self.path = path
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE if path is None else None, text=True)
        if path is None:
            line = self.process.stdout.readline()
            assert line.startswith("ready: "), line
            self.address = line[len("ready: "):].strip()
        else:
            self.address = f"unix:{path}"
            self.wait_for_socket()

    def wait_for_socket(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(self.path) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError("memcached did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        if self.path:
            pathlib.Path(self.path).unlink(missing_ok=True)


def serve(*options):
    return Program([program, "serve", "-p", "0", *options])


def has_memcached():
    return shutil.which("memcached") is not None


def memcached(name="memcached"):
    path = str(scratch / name)
    return Program(["memcached", "-s", path, "-u", "root", "-U", "0", "-t", "1", "-m", "256", "-B", "binary"], path=path)


CLOSE = object()


class Scripted:
    """
    A server of our own, a thread a connection: GET, SET, DELETE, NOOP, QUIT and the quiet forms, CAS from 1000 on.
    `fault` gets each request's number (over all connections), its opcode and the right answer (b"" for silence);
    what it returns is sent, CLOSE closes (with bytes before it: those are sent), None never answers any more.
    """

    def __init__(self, fault=lambda number, opcode, answer: answer):
        self.fault, self.number, self.cas, self.items = fault, 0, 1000, {}
        self.requests, self.connections, self.lock = [], 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        with client, client.makefile("rb") as stream:
            while True:
                header = stream.read(24)
                if len(header) < 24:
                    return
                body = stream.read(struct.unpack_from("!I", header, 8)[0])
                with self.lock:
                    self.requests.append(header + body)
                    answer = self.fault(self.number, header[1], self.answer(header, body))
                    self.number += 1
                if answer is None:
                    threading.Event().wait(PATIENCE)
                    return
                if answer is CLOSE:
                    return
                last = isinstance(answer, tuple)
                try:
                    client.sendall(answer[0] if last else answer)
                except OSError:
                    return
                if last or header[1] == mcbp.QUIT:
                    return

    def answer(self, header, body):
        opcode, opaque = header[1], struct.unpack_from("!I", header, 12)[0]
        extras, key_size = header[4], struct.unpack_from("!H", header, 2)[0]
        asked = struct.unpack_from("!Q", header, 16)[0]
        key, value = body[extras:extras + key_size], body[extras + key_size:]
        item = self.items.get(key)
        if opcode in (mcbp.SET, mcbp.SETQ):
            if asked and (item is None or item[1] != asked):
                return mcbp.error(opcode, mcbp.ENOENT if item is None else mcbp.EEXISTS, opaque=opaque)
            self.cas += 1
            self.items[key] = (value, self.cas)
            return b"" if opcode == mcbp.SETQ else mcbp.response(opcode, opaque=opaque, cas=self.cas)
        if opcode in (mcbp.GET, mcbp.GETQ):
            if item is None:
                return b"" if opcode == mcbp.GETQ else mcbp.error(opcode, mcbp.ENOENT, opaque=opaque)
            return mcbp.response(opcode, extras=bytes(4), value=item[0], opaque=opaque, cas=item[1])
        return mcbp.response(opcode, opaque=opaque)


def capture(name, talk, *, closed=True):
    """A capture of one connection; `talk` is given the conversation."""
    conversation = packets.Conversation()
    conversation.open()
    talk(conversation)
    if closed:
        conversation.close()
    path = scratch / name
    path.write_bytes(packets.pcap(conversation.packets))
    return path


def recorded(*requests, name="made.pcap", together=False):
    """A capture in which a right server (CAS from 1 on) was asked these; one after the other, or all at once."""
    model = Scripted()
    model.listener.close()
    model.cas = 0
    answers = [model.answer(r[:24], r[24:]) for r in requests]

    def talk(conversation):
        if together:
            conversation.client(*requests, cut=60000)
            conversation.server(*answers, cut=60000)
        else:
            conversation.exchange(zip(requests, answers))
    return capture(name, talk)


def finish():
    shutil.rmtree(scratch, ignore_errors=True)
    print(f"{len(failures)} checks failed" if failures else "all as expected")
    sys.exit(1 if failures else 0)
