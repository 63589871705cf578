"""Captures as a liar sees them: each byte that a server sent, by its place in the file. Shares no code with kvreplay.

Reads pcap and pcapng with Ethernet, cooked, loopback and raw packets, and TCP whose streams the capture has from their
first byte, each byte once; of others, nothing is said.
"""
import struct

FIN, SYN, RST = 1, 2, 4
HEADER = 24
FLEX = 0x08, 0x18
MAGICS = 0x80, 0x81, *FLEX
LINKS = {0: "null", 1: "ethernet", 101: "raw", 108: "null", 113: "sll", 228: "ip", 276: "sll2"}


def packets(data):
    """(link, place, size) of each packet."""
    if data[:4] == b"\n\r\r\n":
        yield from pcapng_packets(data)
        return
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xffff
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack_from(order + "I", data, at + 8)[0]
        yield link, at + 16, size
        at += 16 + size


def pcapng_blocks(data):
    """The blocks of a file in little-endian order."""
    at = 0
    while at + 12 <= len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        yield data[at:at + size]
        at += size


def pcapng_packets(data):
    at, order, links = 0, "<", []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\n\r\r\n":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack_from(order + "II", data, at)
        if kind == 1:
            links.append(struct.unpack_from(order + "H", data, at + 8)[0])
        elif kind == 6:
            interface, captured = struct.unpack_from(order + "I8xI", data, at + 8)
            yield links[interface], at + 28, captured
        at += size


def segment(data, link, at, size):
    """(source, destination, sequence, flags, place of the payload, its size) of a TCP segment, or None."""
    end, kind = at + size, LINKS.get(link)
    at += {"null": 4, "ethernet": 14, "sll": 16, "sll2": 20}.get(kind, 0)
    if kind is None or at >= end:
        return None
    if data[at] >> 4 == 4:
        header, total, protocol = (data[at] & 15) * 4, struct.unpack_from("!H", data, at + 2)[0], data[at + 9]
        addresses = data[at + 12:at + 16], data[at + 16:at + 20]
    elif data[at] >> 4 == 6:
        header, total, protocol = 40, 40 + struct.unpack_from("!H", data, at + 4)[0], data[at + 6]
        addresses = data[at + 8:at + 24], data[at + 24:at + 40]
    else:
        return None
    if protocol != 6 or at + total > end:
        return None
    tcp = at + header
    ports = struct.unpack_from("!HH", data, tcp)
    payload = tcp + (data[tcp + 12] >> 4) * 4
    return ((addresses[0], ports[0]), (addresses[1], ports[1]), struct.unpack_from("!I", data, tcp + 4)[0],
            data[tcp + 13], payload, at + total - payload)


class Stream:
    """The bytes of one direction."""

    def __init__(self, first):
        self.next, self.places, self.times, self.whole = first, [], [], True

    def add(self, sequence, at, size, number):
        if size == 0:
            return
        if sequence != self.next:
            self.whole = False
            return
        self.places.extend(range(at, at + size))
        self.times.extend([number] * size)
        self.next = (self.next + size) & 0xffffffff


class Frame:
    def __init__(self, data, places, times, connection):
        self.places, self.connection, self.packet = places, connection, times[0]
        self.read(data)

    def read(self, data):
        header = bytes(data[p] for p in self.places[:HEADER])
        self.magic, self.opcode, key, extras, self.datatype, self.status, _, self.opaque, self.cas = struct.unpack(
            "!BBHBBHIIQ", header)
        framing, key = divmod(key, 256) if self.magic in FLEX else (0, key)
        self.framing, body = self.places[HEADER:HEADER + framing], self.places[HEADER + framing:]
        self.extras, self.key, self.value = body[:extras], body[extras:extras + key], body[extras + key:]

    def bytes(self, data, part=None):
        return bytes(data[p] for p in (self.places if part is None else part))


class Capture:
    """`answers` and `requests`, in the order of the capture; `connections` counts them."""

    def __init__(self, path):
        self.path, self.data = path, path.read_bytes()
        self.requests, self.answers, self.connections = [], [], 0
        streams = self.streams()
        for client, server in streams:
            self.connections += 1
            if client.whole and server.whole:
                self.requests += self.frames(client, self.connections)
                self.answers += self.frames(server, self.connections)
        self.requests.sort(key=lambda frame: frame.packet)
        self.answers.sort(key=lambda frame: frame.packet)

    def streams(self):
        """[client, server] of each connection that begins in the capture."""
        open_now, all_of_them = {}, []
        for number, (link, at, size) in enumerate(packets(self.data), 1):
            found = segment(self.data, link, at, size)
            if found is None:
                continue
            source, destination, sequence, flags, payload, length = found
            if flags & SYN:
                stream = Stream((sequence + 1) & 0xffffffff)
                pair = open_now.get((destination, source))
                if pair is not None and len(pair) == 1:
                    pair.append(stream)
                    open_now[source, destination] = pair[::-1]
                else:
                    open_now[source, destination] = pair = [stream]
                    all_of_them.append(pair)
            elif (source, destination) in open_now:
                open_now[source, destination][0].add(sequence, payload, length, number)
        return [pair for pair in all_of_them if len(pair) == 2]

    def frames(self, stream, connection):
        frames, at = [], 0
        while at + HEADER <= len(stream.places):
            size = struct.unpack("!I", bytes(self.data[p] for p in stream.places[at + 8:at + 12]))[0] + HEADER
            if self.data[stream.places[at]] not in MAGICS or at + size > len(stream.places):
                break
            frames.append(Frame(self.data, stream.places[at:at + size], stream.times[at:at + size], connection))
            at += size
        return frames
