#!/usr/bin/python3
"""Counts what is in the recorded captures without any of the project's code.

Loopback loses nothing and keeps the order, so this may be simple: it insists on both instead of handling them.

usage: oracle.py FILE...      one line a file: see COLUMNS
"""
import gzip
import os
import struct
import subprocess
import sys

COLUMNS = ("file", "packets", "connections", "requests", "responses", "client_frames", "server_frames", "duplicate",
           "unparsed", "not_mcbp", "total", "lost_bytes")
REQUESTS, RESPONSES = (0x80, 0x08, 0x83), (0x81, 0x18, 0x82)


def content(path):
    if path.endswith(".gz"):
        return gzip.open(path).read()
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
    with open(path, "rb") as f:
        return f.read()


def packets(data):
    """(link type, bytes) of every packet."""
    if data[:4] == b"\n\r\r\n":
        at, link = 0, None
        while at < len(data):
            kind, length = struct.unpack_from("<II", data, at)
            if kind == 1:
                link = struct.unpack_from("<H", data, at + 8)[0]
            if kind == 6:
                kept = struct.unpack_from("<I", data, at + 20)[0]
                yield link, data[at + 28:at + 28 + kept]
            at += length
        return
    link = struct.unpack_from("<I", data, 20)[0]
    at = 24
    while at < len(data):
        kept = struct.unpack_from("<I", data, at + 8)[0]
        yield link, data[at + 16:at + 16 + kept]
        at += 16 + kept


def transport(link, packet):
    """(protocol, source, target, header and payload, its length on the wire)."""
    skip, kind = {1: (14, 12), 113: (16, 14), 276: (20, 0)}[link]
    ether_type, ip = struct.unpack_from("!H", packet, kind)[0], packet[skip:]
    if ether_type == 0x0800:
        length = struct.unpack_from("!H", ip, 2)[0]
        if not length:  # segmentation offload beyond 64 KiB
            length = len(ip)
        head = (ip[0] & 15) * 4
        return ip[9], ip[12:16], ip[16:20], ip[head:length], length - head
    length = struct.unpack_from("!H", ip, 4)[0]
    return ip[6], ip[8:24], ip[24:40], ip[40:40 + length], length


class Connection:
    def __init__(self, client):
        self.client = client
        self.next = {}
        self.pieces = {True: [], False: []}  # by "from the client": byte strings, None where bytes are missing
        self.lost = 0


def conversations(data):
    """TCP connections in order, and whether there was UDP: its datagrams as connections too."""
    open_ones, everything, count = {}, [], 0
    for link, packet in packets(data):
        count += 1
        protocol, source, target, segment, length = transport(link, packet)
        ports = struct.unpack_from("!HH", segment)
        here, there = (source, ports[0]), (target, ports[1])
        key = (protocol,) + tuple(sorted((here, there)))
        if protocol == 17:
            if key not in open_ones:
                open_ones[key] = Connection(here)
                everything.append(open_ones[key])
            c = open_ones[key]
            c.udp = True
            c.pieces[here == c.client].append(segment[8:])
            continue
        sequence, head, flags = struct.unpack_from("!I", segment, 4)[0], (segment[12] >> 4) * 4, segment[13]
        if flags & 0x12 == 2:
            open_ones[key] = Connection(here)
            everything.append(open_ones[key])
        elif key not in open_ones:  # recorded from its middle: guess by the port that looks like a server's
            open_ones[key] = Connection(None)
            everything.append(open_ones[key])
        c = open_ones[key]
        payload, missing = segment[head:], length - len(segment)
        if c.client is None and payload:
            c.client = here  # in our recordings the client speaks first
        expected = c.next.get(here, sequence)
        if payload:
            assert sequence == expected, "a retransmission or a gap: not from loopback"
            c.pieces[here == c.client].append(payload)
            if missing:
                c.pieces[here == c.client].append(None)
                c.lost += missing
        c.next[here] = (sequence + length - head + (1 if flags & 3 else 0)) & 0xFFFFFFFF
        if not payload and not flags & 3:
            c.next[here] = expected
    return count, everything


def plausible(data, at, magics):
    if at + 24 > len(data) or data[at] not in magics:
        return False
    extras, datatype, body = data[at + 4], data[at + 5], struct.unpack_from("!I", data, at + 8)[0]
    key = struct.unpack_from("!H", data, at + 2)[0]
    return key + extras <= body < 21 << 20 and datatype < 8


def frames(pieces, magics):
    """(frames, their bytes, bytes that belong to none) of one direction."""
    found = inside = outside = 0
    runs = [b""]
    for piece in pieces:
        if piece is None:
            runs.append(b"")
        else:
            runs[-1] += piece
    for run in runs:
        at = 0
        while at < len(run):
            if not plausible(run, at, magics):
                outside += 1
                at += 1
                continue
            end = at + 24 + struct.unpack_from("!I", run, at + 8)[0]
            if end > len(run):
                # Cut off; a frame may begin behind it only where a later run begins.
                outside += len(run) - at
                break
            found, inside, at = found + 1, inside + end - at, end
    return found, inside, outside


def count(path):
    number, everything = conversations(content(path))
    row = dict.fromkeys(COLUMNS, 0)
    row.update(file=os.path.basename(path), packets=number)
    for c in everything:
        said = {side: [p for p in c.pieces[side] if p is not None] for side in (True, False)}
        amount = sum(map(len, said[True] + said[False]))
        if not amount:
            continue
        row["connections"] += 1
        row["total"] += amount
        row["lost_bytes"] += c.lost
        if hasattr(c, "udp"):
            # memcached's 8 bytes before each datagram's data are counted with the frames.
            for side, name, kind in ((True, "client_frames", "requests"), (False, "server_frames", "responses")):
                row[name] += sum(map(len, said[side]))
                row[kind] += frames([b"".join(p[8:] for p in said[side])], REQUESTS if side else RESPONSES)[0]
            continue
        asked, answered = frames(c.pieces[True], REQUESTS), frames(c.pieces[False], RESPONSES)
        if not asked[0] and not answered[0]:
            row["not_mcbp"] += amount
            continue
        row["requests"] += asked[0]
        row["responses"] += answered[0]
        row["client_frames"] += asked[1]
        row["server_frames"] += answered[1]
        row["unparsed"] += asked[2] + answered[2]
    return [str(row[name]) for name in COLUMNS]


if __name__ == "__main__":
    print("\t".join(COLUMNS))
    for path in sys.argv[1:]:
        print("\t".join(count(path)))
