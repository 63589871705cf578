#!/usr/bin/env python3
"""What `kvreplay serve` takes beside Debian's memcached: the same loads, the same worker threads, in one run.

    cmake --build build --target bench_serve
    tests/bench/serve.py [--rounds N] [--threads 1,2] [--only WORD] KVREPLAY LOAD

LOAD is the program bench_load. Both servers run all the time; a load goes to one, then to the other, in turn, for each
round. A round's ratio is that of two neighbours; the table has the medians. Ratios of requests per second mean less
than those of processor time per request when other programs, the load itself among them, share the processors.
"""

import argparse
import ctypes
import glob
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile

RECORDED = 20000  # GETs in a capture


def start(*command, **options):
    """A process that does not outlive this one, however that ends."""
    prctl, set_pdeathsig = ctypes.CDLL(None).prctl, 1
    return subprocess.Popen(command, text=True, preexec_fn=lambda: prctl(set_pdeathsig, signal.SIGKILL), **options)


class Server:
    def __init__(self, name, *command, **options):
        self.name = name
        self.process = start(*command, stdout=subprocess.PIPE, **options)
        self.port = None

    def cpu(self):
        """Seconds of processor time so far, user and system."""
        paths = glob.glob(f"/proc/{self.process.pid}/task/*/schedstat")  # in nanoseconds; stat counts in ticks of 10 ms
        return sum(int(pathlib.Path(path).read_text(encoding="ascii").split()[0]) for path in paths) / 1e9

    def stop(self):
        self.process.terminate()
        self.process.wait()


def serve(kvreplay, threads, *options):
    server = Server(" ".join(["serve", *options[-1:]]), kvreplay, "serve", "-p", "0", "-m", "256m", "-t", str(threads),
                    *options)
    server.port = int(server.process.stdout.readline().rpartition(":")[2])
    return server


def memcached(threads):
    with socket.socket() as free:  # memcached would take any port, and not say which
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = {"user": "nobody"} if os.geteuid() == 0 else {}  # memcached's -u would undo what start does
    server = Server("memcached", "memcached", "-l", "127.0.0.1", "-p", str(port), "-m", "256", "-B", "binary", "-t",
                    str(threads), **user)
    server.port = port
    while True:
        if server.process.poll() is not None:
            sys.exit("memcached does not start")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server
        except ConnectionRefusedError:
            pass


def memcaslap(depth, requests):
    def run(port):
        text = subprocess.run(["memcaslap", "-B", "-s", f"127.0.0.1:{port}", "-T", "1", "-c", "8", "-d", str(depth),
                               "-X", "100", "-x", str(requests)], capture_output=True, text=True, check=True).stdout
        found = re.search(r"Run time: ([0-9.]+)s Ops: (\d+)", text)
        if int(found[2]) < requests:
            sys.exit("memcaslap: requests are missing")
        return float(found[1]), int(found[2])
    return run


def gets(depth, value, requests, *options):
    def run(port):
        command = [LOAD, "-d", str(depth), "-v", str(value), "-n", str(requests), *options, str(port)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout), requests
    return run


def replayed(capture, depth, requests):
    """The same load as gets, sent by the program's own replay, which sorts out and looks at all answers itself."""
    def run(port):
        loops = max(1, requests // RECORDED)
        report = os.path.join(os.path.dirname(capture), "replay.json")
        subprocess.run([ARGUMENTS.kvreplay, "replay", "-q", "--to", f"127.0.0.1:{port}", "--pipeline", str(depth),
                        "--loop", str(loops), "--json", report, capture], capture_output=True, check=True)
        with open(report, encoding="utf-8") as file:
            performance = json.load(file)["performance"]
        return performance["seconds"], performance["requests"]
    return run


def record(folder, server, value):
    """A capture of such GETs, made by the recording proxy."""
    path = os.path.join(folder, f"{value}.pcapng")
    proxy = start(ARGUMENTS.kvreplay, "record", "--listen", "127.0.0.1:0", "--to", f"127.0.0.1:{server.port}", "-o",
                  path, stderr=subprocess.PIPE)
    ready = next(line for line in proxy.stderr if line.startswith("ready: "))
    subprocess.run([LOAD, "-c", "4", "-d", "64", "-v", str(value), "-n", str(RECORDED), ready.rpartition(":")[2].strip()],
                   capture_output=True, check=True)
    proxy.terminate()
    proxy.communicate()
    return path


def measure(server, load):
    """Requests per second, and microseconds of the server's processor time per request."""
    before = server.cpu()
    seconds, requests = load(server.port)
    return requests / seconds, (server.cpu() - before) / requests * 1e6


def compare(title, threads, first, second, load, rounds):
    measured = {first: [], second: []}
    load(first.port), load(second.port)  # not counted: the first touch of everything
    for number in range(rounds):
        for server in (first, second) if number % 2 == 0 else (second, first):
            measured[server].append(measure(server, load))
    one, other = measured[first], measured[second]
    rate = statistics.median(b[0] / a[0] for a, b in zip(one, other))
    cpu = statistics.median(a[1] / b[1] for a, b in zip(one, other))
    rates = [statistics.median(m[0] for m in each) for each in (one, other)]
    cpus = [statistics.median(m[1] for m in each) for each in (one, other)]
    print(f"| {title} | {threads} | {rates[0] / 1e3:.0f} | {rates[1] / 1e3:.0f} | {rate:.2f} "
          f"| {cpus[0]:.2f} | {cpus[1]:.2f} | {cpu:.2f} |", flush=True)


def certificate(folder):
    path = os.path.join(folder, "certificate.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", path, "-out", path + ".public"], check=True, capture_output=True)
    with open(path, "a", encoding="ascii") as both, open(path + ".public", encoding="ascii") as public:
        both.write(public.read())
    return path


def heading(first, second):
    print(f"| {first} and {second} | threads | k/s {first} | k/s {second} | k/s: {second} / {first} "
          f"| µs {first} | µs {second} | µs: {first} / {second} |\n|---|---|---|---|---|---|---|---|", flush=True)


def beside_memcached(arguments, folder):
    source = serve(arguments.kvreplay, 1)
    captures = {value: record(folder, source, value) for value in (100, 1024, 4096)}
    source.stop()
    loads = [("memcaslap, depth 1", memcaslap(1, 200000 * SCALE // 100)),
             ("GET 100 B, depth 1", gets(1, 100, 200000 * SCALE // 100)),
             ("GET 100 B, depth 64", gets(64, 100, 3000000 * SCALE // 100)),
             ("GET 1 KiB, depth 64", gets(64, 1024, 1000000 * SCALE // 100)),
             ("GET 4 KiB, depth 64", gets(64, 4096, 600000 * SCALE // 100)),
             ("GET 16 KiB, depth 64", gets(64, 16384, 200000 * SCALE // 100)),
             ("GET 100 KB, depth 16", gets(16, 100000, 40000 * SCALE // 100)),
             ("replay --pipeline 64, GET 100 B", replayed(captures[100], 64, 1000000 * SCALE // 100)),
             ("replay --pipeline 64, GET 1 KiB", replayed(captures[1024], 64, 400000 * SCALE // 100)),
             ("replay --pipeline 64, GET 4 KiB", replayed(captures[4096], 64, 200000 * SCALE // 100))]
    heading("memcached", "serve")
    for threads in arguments.threads.split(","):
        servers = memcached(threads), serve(arguments.kvreplay, threads)
        for title, load in loads:
            if arguments.only in title:
                compare(title, threads, *servers, load, arguments.rounds)
        for server in servers:
            server.stop()


def over_tls(arguments, folder):
    loads = [("TLS, GET 100 B, depth 1", gets(1, 100, 100000 * SCALE // 100, "-T")),
             ("TLS, GET 100 B, depth 64", gets(64, 100, 1500000 * SCALE // 100, "-T")),
             ("TLS, GET 1 KiB, depth 64", gets(64, 1024, 500000 * SCALE // 100, "-T")),
             ("TLS, GET 4 KiB, depth 64", gets(64, 4096, 200000 * SCALE // 100, "-T")),
             ("TLS, GET 16 KiB, depth 64", gets(64, 16384, 50000 * SCALE // 100, "-T"))]
    heading("legacy", "batch")
    pem = certificate(folder)
    servers = [serve(arguments.kvreplay, 1, "--tls-cert", pem, "--writer", writer) for writer in ("legacy", "batch")]
    for title, load in loads:
        if arguments.only in title:
            compare(title, 1, *servers, load, arguments.rounds)
    for server in servers:
        server.stop()


parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=7)
parser.add_argument("--threads", default="1,2")
parser.add_argument("--only", default="", help="a part of the load's name")
parser.add_argument("--scale", type=int, default=100, help="per cent of the requests")
parser.add_argument("kvreplay")
parser.add_argument("load")
ARGUMENTS = parser.parse_args()
LOAD, SCALE = ARGUMENTS.load, ARGUMENTS.scale
try:
    os.nice(-15)  # or the ratios are those of how long either has waited for a processor
except PermissionError:
    print("not root, so without priority over other programs: the rates may mean little\n")
with tempfile.TemporaryDirectory() as folder:
    beside_memcached(ARGUMENTS, folder)
    print()
    over_tls(ARGUMENTS, folder)
