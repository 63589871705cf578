"""A recording of TCP conversations, taken apart into frames, and put together again."""
import gzip
import struct

from live import packets


def records(path):
    """(nanoseconds, packet) of a compressed pcapng as record writes it: little-endian, Ethernet, here IPv4 and TCP."""
    data, at = gzip.decompress(path.read_bytes()), 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            high, low, captured = struct.unpack_from("<III", data, at + 12)
            yield (high << 32 | low), data[at + 28:at + 28 + captured]
        at += size


class Frames:
    """What one side of a conversation sends, cut into frames."""

    def __init__(self):
        self.next, self.rest = None, b""

    def add(self, sequence, payload):
        self.next = sequence if self.next is None else self.next
        assert sequence <= self.next, "a segment is missing"
        payload = payload[self.next - sequence:]
        self.next += len(payload)
        self.rest += payload
        while len(self.rest) >= 24 and len(self.rest) >= (size := 24 + struct.unpack_from("!I", self.rest, 8)[0]):
            yield self.rest[:size]
            self.rest = self.rest[size:]


def load(path):
    """The frames in their order: [time, client's port, sent by the server, frame]."""
    sides, servers, events = {}, set(), []
    for time, packet in records(path):
        ip = packet[14:]
        header = 4 * (ip[0] & 15)
        tcp = ip[header:struct.unpack_from("!H", ip, 2)[0]]
        source, target, sequence = struct.unpack_from("!HHI", tcp)
        if tcp[13] & 2 and not tcp[13] & 16:  # SYN alone
            servers.add(target)
        payload = tcp[4 * (tcp[12] >> 4):]
        from_server = source in servers
        side = sides.setdefault((source, target), Frames())
        if payload:
            client = target if from_server else source
            events += [[time, client, from_server, frame] for frame in side.add(sequence, payload)]
    return events


def save(path, events, *, opened=True):
    """A packet for each frame, at its time; `opened`: behind those that open its connection."""
    written, conversations, record_times = [], {}, []
    for time, client, from_server, frame in events:
        if client not in conversations:
            conversations[client] = packets.Conversation(client=("192.0.2.1", client), packets=written)
            if opened:
                conversations[client].open()
        conversation = conversations[client]
        (conversation.server if from_server else conversation.client)(frame, cut=60000)
        record_times += [time] * (len(written) - len(record_times))
    for conversation in conversations.values():
        conversation.close()
    record_times += [events[-1][0]] * (len(written) - len(record_times))
    out = [packets.pcap_header(nano=True)]
    for time, packet in zip(record_times, written):
        data = packets.ethernet(packet)
        out.append(struct.pack("<IIII", time // 10**9, time % 10**9, len(data), len(data)) + data)
    path.write_bytes(b"".join(out))
    return path
