#!/usr/bin/env python3
"""Runs a client's operations against memcached and against kvreplay serve; the results have to be
the same. Usage: KVREPLAY SCRIPT. Exit status 77: what the script needs is not installed, or the client dies
itself, with memcached too."""

import difflib
import os
import subprocess
import sys
import tempfile
import time

SPYMEMCACHED = "/usr/share/java/spymemcached.jar"
# By the script's ending: what runs it, before its name. Debian's interpreter has Debian's modules.
INTERPRETERS = {
    ".py": ["/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable],
    ".sh": ["bash"],
    ".js": ["node"],
    ".java": ["java", "-cp", SPYMEMCACHED],
}
# What tells that a script can run, and how to install what it needs.
NEEDED = {
    "bmemcached_client.py": (INTERPRETERS[".py"] + ["-c", "import bmemcached"], "Debian: python3-binary-memcached"),
    "pylibmc_client.py": (INTERPRETERS[".py"] + ["-c", "import pylibmc"], "Debian: python3-pylibmc"),
    "libmemcached.sh": (["memcaslap", "--version"], "Debian: libmemcached-tools"),
    "memjs_client.js": (["node", "-e", "require('memjs')"], "tests/clients/install says how"),
    "couchbase_client.js": (["node", "-e", "require('couchbase')"], "tests/clients/install says how"),
    "couchbase_tour.js": (["node", "-e", "require('couchbase')"], "tests/clients/install says how"),
    "Spymemcached.java": (["sh", "-c", f"java --list-modules | grep -q jdk.compiler && [ -e {SPYMEMCACHED} ]"],
                          "Debian: libspymemcached-java default-jdk-headless"),
}
PATIENCE = 60  # seconds


def installed(script):
    command, how = NEEDED[os.path.basename(script)]
    try:
        found = subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        found = False
    if not found:
        print(f"what {os.path.basename(script)} needs is not installed ({how})")
    return found


def memcached_release():
    """The N of memcached 1.6.N."""
    return int(subprocess.run(["memcached", "-V"], capture_output=True, text=True, check=True).stdout.split(".")[2])


def start_memcached(folder, threads=2):
    """It writes a file that names the port."""
    ports = os.path.join(folder, "ports")
    process = subprocess.Popen(
        ["memcached", "-u", "root", "-l", "127.0.0.1", "-p", "-1", "-U", "0", "-t", str(threads)],
        env={**os.environ, "MEMCACHED_PORT_FILENAME": ports},
    )
    for _ in range(500):
        if os.path.exists(ports):
            with open(ports) as file:
                for line in file:
                    if line.startswith("TCP INET: "):
                        return process, line.split()[-1]
        time.sleep(0.01)  # there is nothing to wait upon
    process.kill()
    sys.exit("memcached does not start")


def start_serve(program, *options):
    process = subprocess.Popen(
        [program, "serve", "-p", "0", "-t", "2", *options], stdout=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    return process, line.strip().rsplit(":", 1)[1]


def run(script, port):
    try:
        done = subprocess.run(
            INTERPRETERS[os.path.splitext(script)[1]] + [script, "127.0.0.1", port],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as late:
        return late.stdout.decode(errors="replace") + "did not end\n", 1
    return done.stdout.decode(errors="replace").replace(port, "PORT"), done.returncode


def run_with_memcached(script):
    with tempfile.TemporaryDirectory() as folder:
        memcached, port = start_memcached(folder)
        try:
            return run(script, port)
        finally:
            memcached.kill()
            memcached.wait()


def death(script, said, status):
    """What a client ended by a signal had to say last."""
    return f"{os.path.basename(script)} dies of signal {-status}, with memcached too: {said.splitlines()[-1]}"


def main():
    program, script = sys.argv[1:]
    if not installed(script):
        return 77
    expected, status = run_with_memcached(script)
    serve, port = start_serve(program)
    try:
        got, serve_status = run(script, port)
    finally:
        serve.terminate()
        ended = serve.wait(timeout=PATIENCE)
    lines = expected.splitlines()
    difference = list(difflib.unified_diff(lines, got.splitlines(), "memcached", "serve", lineterm=""))
    print("\n".join(line[:300] for line in difference or lines))
    if status < 0 and serve_status == status and ended == 0 and not difference:
        print(death(script, expected, status))
        return 77
    if status != 0 or serve_status != status or ended != 0:
        print(f"exit statuses: memcached {status}, serve {serve_status}, the server {ended}")
        return 1
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
