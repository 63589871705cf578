#!/usr/bin/env python3
"""each.py KVREPLAY FAILING_LIBRARY PROJECT CERTIFICATE-MAKER PLUGIN CASE: each allocation of a command fails in turn, alone
and with all that follow it. Then either nothing is different, or the exit status is 70, memory is
named, no difference is invented and no file is half there.

A random few fail, by KVREPLAY_SEED; all with KVREPLAY_EACH=all, so many with KVREPLAY_EACH=N."""
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom
import xml.parsers.expat

from preload import preloadable
from turns import turns

KVREPLAY, LIBRARY, PROJECT, MAKER, PLUGIN, CASE = sys.argv[1:7]
LIBRARY = preloadable(LIBRARY)
SAMPLE = 20
CAPTURES = os.path.join(PROJECT, "corpus", "captures")


def capture(name):
    return os.path.join(CAPTURES, name)


CASES = {
    "verify": ["verify", "--json", "o.json", "--junit", "o.xml", capture("mixed.pcap"),
               capture("compressed.pcap.zst"), capture("compressed.pcap.gz"), capture("ng.pcapng")],
    "verify_contended": ["verify", "-v", "--filter", "tcp", capture("concurrent.pcap")],
    "verify_filter": ["verify", "-q", "--require-compared", "0", "--filter", "tcp port 1", capture("cas.pcap")],
    "verify_udp": ["verify", "--json", "-", "--writer", "legacy", "--reference", "reserve",
                   "--hostile", "1", "--mask", "GET:cas", capture("udp.pcap")],
    "verify_folder": ["verify", "-q", "--junit", "-", CAPTURES],
    "inspect": ["inspect", "--hex", capture("errors.pcap")],
    "inspect_json": ["inspect", "--json", "--key", "k", capture("midstream.pcap")],
    "anonymise": ["anonymise", "--key-file", "secret", "-o", "o.pcap", capture("numeric.pcap")],
    "anonymise_udp": ["anonymise", "--key-file", "secret", "-o", "o.pcap", capture("udp.pcap")],
    "anonymise_packed": ["anonymise", "--key-file", "secret", "-o", "o.pcap",
                         capture("compressed.pcap.zst")],
    "verify_plugin": ["verify", "--writer", PLUGIN, "--json", "o.json", "--junit", "o.xml",
                      capture("mixed.pcap")],
    "replay": ["replay", "--to", "SERVER", "--json", "o.json", "--timeout", "30",
               capture("mixed.pcap")],
    "replay_tls": ["replay", "--to", "NAMED", "--tls", "--tls-ca", "CERTIFICATE", "--json", "o.json",
                   "--timeout", "30", capture("mixed.pcap")],
    "bench": ["bench", "--writers", "batch", "--sinks", "memory,socket,tls", "--sizes", "16",
              "--depths", "2", "--repeat", "1", "--time", "1", "--json", "o.json"],
    "bench_plugin": ["bench", "--writers", "batch," + PLUGIN, "--sinks", "memory", "--sizes", "16",
                     "--depths", "2", "--repeat", "1", "--time", "1"],
    "bench_from": ["bench", "--from", capture("mixed.pcap"), "--writers", "legacy", "--sinks",
                   "memory", "--repeat", "1", "--time", "1"],
    "corpus": ["corpus", "--target", "frame", "-o", "seeds", capture("cas.pcap")],
}


def is_whole(name, data):
    try:
        if name.endswith(".json"):
            json.loads(data)
        elif name.endswith(".xml"):
            xml.dom.minidom.parseString(data)
        return True
    except (ValueError, xml.parsers.expat.ExpatError):
        return False


def read_files(folder):
    files = {}
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                files[os.path.relpath(os.path.join(where, name), folder)] = file.read()
    return files


def serve():
    """A server, if the case has one, and the words that stand for it."""
    if "SERVER" not in CASES[CASE] and "NAMED" not in CASES[CASE]:
        return None, {}
    tls = ["--tls-cert", CERTIFICATE] if "--tls" in CASES[CASE] else []
    server = subprocess.Popen([KVREPLAY, "serve", "-p", "0", "-t", "1", *tls],
                              stdout=subprocess.PIPE)
    address = server.stdout.readline().decode().split()[1]
    return server, {"SERVER": address, "NAMED": "localhost:" + address.rpartition(":")[2],
                    "CERTIFICATE": CERTIFICATE}


def run(environment, limit=None):
    folder = tempfile.mkdtemp(prefix="kvreplay-memory-")
    secret = os.open(os.path.join(folder, "secret"), os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(secret, hashlib.sha256(b"a secret").digest())
    os.close(secret)
    server, words = serve()

    def set_limit():
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        done = subprocess.run([KVREPLAY] + [words.get(one, one) for one in CASES[CASE]], cwd=folder,
                              stdin=subprocess.DEVNULL, timeout=120,
                              env=dict(os.environ, TMPDIR=folder, **environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              preexec_fn=None if limit is None else set_limit)
        return done, read_files(folder)
    finally:
        shutil.rmtree(folder)
        if server is not None:
            server.kill()
            server.communicate()


def invented(value):
    """The differences that a JSON report counts or shows."""
    if isinstance(value, list):
        return sum(invented(one) for one in value)
    if not isinstance(value, dict):
        return 0
    found = sum(invented(one) for one in value.values())
    for name in ("different", "missing", "unexpected", "malformed"):
        if isinstance(value.get(name), int):
            found += value[name]
    return found + len(value.get("differences", []))


def blames_plugin(text):
    """It had itself no memory, and said so to whoever called it."""
    return b"the writer refused the response: out of memory" in text or \
        b"right into memory: " in text


def wrong(expected, got):
    """What is wrong with a run; None: nothing."""
    (done, files), (before, files_before) = got, expected
    if (done.returncode, done.stdout, done.stderr, files) == \
            (before.returncode, before.stdout, before.stderr, files_before):
        return None
    if CASE.startswith(("replay", "bench")) and done.returncode == 0:
        return None  # their reports have times
    if CASE.endswith("_plugin") and done.returncode == 1 and blames_plugin(done.stdout + done.stderr):
        return None
    if done.returncode != 70:
        return "exit status %d" % done.returncode
    if b"memory" not in (done.stdout + done.stderr).lower():
        return "memory is not named"
    for name, data in files.items():
        if name.startswith("seeds"):
            continue  # of what was read of the capture
        if name not in files_before:
            return "%s is left over" % name
        elif not is_whole(name, data):
            return "%s is not whole" % name
        elif name.endswith(".json") and invented(json.loads(data)) != 0 and \
                not blames_plugin(data):
            return "differences are invented"
        elif not name.endswith((".json", ".xml")) and data != files_before[name]:
            return "%s is not what it should be" % name
    return None


def complain(how, what, got):
    done = got[0]
    sys.exit("%s: %s: %s\nstatus %d\n%s\n%s" % (
        CASE, how, what, done.returncode, done.stdout.decode(errors="replace")[-2000:],
        done.stderr.decode(errors="replace")[-2000:]))


def fail_in_turn(expected, numbers, variable):
    refused = 0
    for number in numbers:
        try:
            got = run({"LD_PRELOAD": LIBRARY, variable: str(number)})
        except subprocess.TimeoutExpired:
            sys.exit("%s: %s=%d: it does not end" % (CASE, variable, number))
        what = wrong(expected, got)
        if what is not None:
            complain("%s=%d" % (variable, number), what, got)
        refused += got[0].returncode == 70
    return refused


def limit_memory(expected):
    """ulimit -v, from so little that the program can't be loaded to enough."""
    too_little, enough = 1 << 20, 1 << 32
    while enough - too_little > 1 << 16:
        middle = (too_little + enough) // 2
        got = run({}, middle)
        if got[0].returncode == 127: # the libraries could not be loaded
            too_little = middle
            continue
        what = wrong(expected, got)
        if what is not None:
            complain("ulimit -v %d" % (middle // 1024), what, got)
        if got[0].returncode == 70:
            too_little = middle
        else:
            enough = middle


def main():
    subprocess.run([MAKER, CERTIFICATE], check=True)
    expected = run({})
    if expected[0].returncode != 0:
        complain("without a failure", "it fails", expected)
    with tempfile.NamedTemporaryFile() as counted:
        run({"LD_PRELOAD": LIBRARY, "KVREPLAY_FAIL_COUNT": counted.name})
        count = int(counted.read())
    numbers = turns(SAMPLE, count)
    refused = fail_in_turn(expected, numbers, "KVREPLAY_FAIL_AT")
    refused += fail_in_turn(expected, numbers, "KVREPLAY_FAIL_FROM")
    print("%d allocations, %d failed in turn: %d runs ended with 70" %
          (count, 2 * len(numbers), refused))
    if refused < len(numbers) // 2:
        sys.exit("hardly any failed: is the library preloaded?")
    limit_memory(expected)


with tempfile.TemporaryDirectory(prefix="kvreplay-memory-") as own:
    CERTIFICATE = os.path.join(own, "certificate")
    main()
