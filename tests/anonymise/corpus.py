#!/usr/bin/python3
"""Anonymises every capture of the corpus, and looks for what must not be in the result.

Shares no code with kvreplay: its own reading of pcap and pcapng, and a search by brute force. Every run of eight printable
bytes behind the headers in a packet of the input is searched for in the whole output, so it doesn't matter what it was.

usage: corpus.py KVREPLAY CORPUS     KVREPLAY_SEED=N repeats a run
"""
import gzip
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

WINDOW = 8
# What may be in both: the protocol's own texts. Statistics are found by their opcode.
TEXTS = (b"Not found", b"Data exists for key.", b"Too large.", b"Invalid arguments", b"Not stored.", b"Unknown command",
         b"Non-numeric server-side value for incr or decr", b"Out of memory allocating item",
         b"Out of memory allocating new item", b"Out of memory incrementing value", b"Out of memory during read",
         b"Auth failure.", b"SERVER_ERROR ",
         b"CLIENT_ERROR ", b"NOT_STORED\r\n", b"flush_all", b"verbosity ", b"version", b"append ", b"prepend ",
         b"replace ", b"delete ", b"VERSION ", b"settings", b"sizes_enable", b"sizes_disable", b"detail dump", b"detail on",
         b"detail off", b'{"version":2}', b'{"rev":1,"name":"', b'{"uid":"0"}', b'_default._default')
# Checksums that were right are right again, here where there are some.
WITH_CHECKSUMS = ("made/tcp-overlap.pcap", "made/tcp-repeat-differs.pcap", "made/vlan.pcap", "made/udp.pcap",
                  "made/ipv6-fragments.pcap", "made/ipv4-fragments.pcap", "made/ipv4-fragments-overlap.pcap",
                  "made/raw-ipv6.pcap", "made/padded.pcap", "captures/udp.pcap", "captures/mixed.pcap")

kvreplay, corpus = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
scratch = tempfile.TemporaryDirectory()
failures = []


def fail(path, what):
    failures.append(path)
    print("FAILED: %s: %s" % (os.path.relpath(path, corpus), what))


def content(path):
    if path.endswith(".gz"):
        return gzip.open(path).read()
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
    with open(path, "rb") as f:
        return f.read()


def packets(data):
    """(place of the header before the data, place of the data, size) of every packet."""
    if data[:4] == b"\n\r\r\n":
        at, order = 0, "<"
        while at < len(data):
            if data[at:at + 4] == b"\n\r\r\n":
                order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            kind, length = struct.unpack_from(order + "II", data, at)
            if kind == 6:
                yield at, at + 28, struct.unpack_from(order + "I", data, at + 20)[0]
            at += length
        return
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at < len(data):
        size = struct.unpack_from(order + "I", data, at + 8)[0]
        yield at, at + 16, size
        at += 16 + size


def payload(packet):
    """What is behind the headers, or all if they are not found where they usually are."""
    for link in (14, 16, 20, 4, 0, 18, 22):
        ip = packet[link:]
        if len(ip) >= 40 and ip[0] >> 4 == 4 and ip[0] & 15 >= 5 and struct.unpack_from("!H", ip, 2)[0] <= len(ip):
            protocol, fragment, rest = ip[9], ip[6] & 0x1f or ip[7], ip[(ip[0] & 15) * 4:]
        elif len(ip) >= 48 and ip[0] >> 4 == 6 and struct.unpack_from("!H", ip, 4)[0] <= len(ip) - 40:
            protocol, fragment, rest = ip[6], False, ip[40:]
        else:
            continue
        if fragment or protocol not in (6, 17):
            return rest
        return rest[8:] if protocol == 17 else rest[(rest[12] >> 4) * 4:]
    return packet


def all_windows(data):
    """Every WINDOW bytes of it, as numbers: sets of these are made and compared in C."""
    found = set()
    for start in range(min(WINDOW, len(data) - WINDOW + 1)):
        found.update(struct.unpack_from("<%dQ" % ((len(data) - start) // WINDOW), data, start))
    return found


def windows(data):
    """Those that are printable, and how many there are."""
    found, count = set(), 0
    for run in re.finditer(rb"[ -~\r\n]{%d,}" % WINDOW, data):
        found |= all_windows(run.group())
        count += len(run.group()) - WINDOW + 1
    return found, count


def statistics(data, udp):
    """The bodies of answers to STAT: memcached's own names and numbers."""
    data = b"".join(payload(data[at:at + size])[8 if udp else 0:] for _, at, size in packets(data))
    at = data.find(b"\x81\x10")
    while at >= 0:
        if at + 24 <= len(data):
            body = struct.unpack_from("!I", data, at + 8)[0]
            if body < 1024:
                yield data[at + 24:at + 24 + body]
        at = data.find(b"\x81\x10", at + 1)


def run(*arguments, status=0):
    done = subprocess.run([kvreplay, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if status is not None and done.returncode != status:
        print(done.stderr)
        raise AssertionError("exit status %d of %s" % (done.returncode, " ".join(arguments)))
    return done


def check_frame(path, before, after):
    """The file around the packets, and the beginnings of packets, are as they were."""
    if len(before) != len(after):
        return fail(path, "%d bytes became %d" % (len(before), len(after)))
    old, new = list(packets(before)), list(packets(after))
    if old != new:
        return fail(path, "packets are elsewhere, or have other lengths")
    end = 0
    for header, data, size in old:
        if before[end:data] != after[end:data]:
            return fail(path, "other bytes before the packet at %d" % data)
        end = data + size
    return None


def is_number(window):
    """Mostly: the few bytes of another kind beside a counter, which stays, may have been replaced by themselves."""
    return len(re.sub(rb"[0-9 ]", b"", window)) < WINDOW // 2


def is_of_few_bytes(window):
    """Of a value that is appended to, single bytes may be replaced; one of ten digits is by itself: 0000000 stays then."""
    return len(set(window)) < 3


def check_leaks(path, before, after, counters):
    allowed, there, seen = set(), set(), 0
    for text in (*TEXTS, *statistics(before, "udp" in path)):
        allowed |= windows(text)[0]
    for _, data, size in packets(after):
        there |= all_windows(after[data:data + size])
    for _, data, size in packets(before):
        found, count = windows(payload(before[data:data + size]))
        seen += count
        for number in (found & there) - allowed:
            window = struct.pack("<Q", number)
            if not is_of_few_bytes(window) and not (counters and is_number(window)):
                fail(path, "still there: %r" % window)
                return seen
    return seen


def judgement(path):
    """What verify counts, without what it quotes."""
    report = os.path.join(scratch.name, "report.json")
    status = run("verify", "--json", report, path, status=None).returncode
    with open(report) as f:
        capture = json.load(f)["captures"][0]
    for name in ("file", "path", "problem", "differences"):
        capture.pop(name, None)
    return status, capture


def bad_checksums(path):
    done = subprocess.run(
        ["tshark", "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o",
         "ip.check_checksum:TRUE", "-Y", "tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0",
         "-T", "fields", "-e", "frame.number"], check=True, capture_output=True, text=True)
    return done.stdout.split()


def check(path, keys):
    out = os.path.join(scratch.name, "out.pcap")
    again = os.path.join(scratch.name, "again.pcap")
    folder = os.listdir(scratch.name)
    done = run("anonymise", "--key-file", keys[0], path, "-o", out, status=None)
    if done.returncode != 0:
        if done.returncode != 3 or path not in done.stderr or not done.stderr.startswith("kvreplay: "):
            fail(path, "exit status %d: %s" % (done.returncode, done.stderr))
        if os.listdir(scratch.name) != folder:
            fail(path, "something was written though it can't be read")
        return 0
    before, after = content(path), content(out)
    check_frame(path, before, after)
    seen = check_leaks(path, before, after, True)
    if judgement(path) != judgement(out):
        fail(path, "verify comes to another result")
    run("anonymise", "-q", "--key-file", keys[0], path, "-o", again)
    if content(again) != after:
        fail(path, "the same key made other bytes")
    run("anonymise", "-q", "--replace-counters", "--key-file", keys[1], path, "-o", again)
    if seen > 0 and content(again) == after:
        fail(path, "another key made the same bytes")
    check_leaks(path, before, content(again), False)
    if os.path.relpath(path, corpus) in WITH_CHECKSUMS and bad_checksums(out) != bad_checksums(path):
        fail(path, "other checksums are wrong: %s" % bad_checksums(out))
    for name in (out, again):
        os.remove(name)
    return seen


def main():
    seed = int(os.environ.get("KVREPLAY_SEED") or random.SystemRandom().getrandbits(32))
    print("KVREPLAY_SEED=%d" % seed)
    chance = random.Random(seed)
    keys = [os.path.join(scratch.name, "key%d" % i) for i in range(2)]
    for key in keys:
        with open(key, "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(chance.randbytes(32))
    open(os.path.join(scratch.name, "report.json"), "w").close()
    seen = done = 0
    for folder in ("captures", "made", "damaged"):
        for name in sorted(os.listdir(os.path.join(corpus, folder))):
            if re.search(r"\.pcap(ng)?(\.gz|\.zst)?$", name):
                found = check(os.path.join(corpus, folder, name), keys)
                seen += found
                done += found > 0
    print("%d captures, %d windows of printable bytes searched for" % (done, seen))
    if done < 60 or seen < 100000:
        fail(corpus, "too little was looked at")
    sys.exit(1 if failures else 0)


main()
