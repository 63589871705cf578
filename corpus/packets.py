"""Capture files and the packets in them, byte by byte: what the generators of made and damaged captures share.

Nothing here depends on a clock, a random source or a library's version: the same call gives the same bytes.
"""
import socket
import struct

START = 1_700_000_000_000_000_000  # ns: the first packet's time
STEP = 100_000  # ns between packets

# Link types as the file headers name them.
NULL, ETHERNET, RAW, LOOP, SLL, SLL2 = 0, 1, 101, 108, 113, 276

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = 0, 1


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


# --- IP -----------------------------------------------------------------------------------------------------------

def ipv4(source, target, protocol, payload, *, ident=0, more=False, offset=0, options=b""):
    """`offset` in bytes, a multiple of 8."""
    assert offset % 8 == 0 and len(options) % 4 == 0
    total = 20 + len(options) + len(payload)
    total = total if total < 65536 else 0  # left to the network card: BIG TCP
    header = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, total, ident,
                         (0x2000 if more else 0) | offset // 8, 64, protocol, 0) + source + target + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ipv6(source, target, protocol, payload, *, extensions=()):
    """`extensions`: pairs of header number and body; the body's first byte is replaced by what follows it."""
    chain = b""
    follows = protocol
    for number, body in reversed(extensions):
        chain = bytes([follows]) + body[1:] + chain
        follows = number
    size = len(chain) + len(payload)
    if size >= 65536:  # a jumbogram, RFC 2675
        chain = bytes([follows, 0, 0xC2, 4]) + struct.pack("!I", size + 8) + chain
        follows, size = 0, 0
    return struct.pack("!IHBB", 0x60000000, size, follows, 64) + source + target + chain + payload


def fragments4(packet, sizes, ident):
    """Cuts an IPv4 packet without options into fragments of the sizes given and the rest."""
    source, target, protocol, payload = packet[12:16], packet[16:20], packet[9], packet[20:]
    result, at = [], 0
    for size in list(sizes) + [len(payload)]:
        part = payload[at:at + size]
        result.append(ipv4(source, target, protocol, part, ident=ident, offset=at, more=at + len(part) < len(payload)))
        at += len(part)
    return result


def fragments6(packet, sizes, ident):
    source, target, protocol, payload = packet[8:24], packet[24:40], packet[6], packet[40:]
    result, at = [], 0
    for size in list(sizes) + [len(payload)]:
        part = payload[at:at + size]
        more = at + len(part) < len(payload)
        result.append(ipv6(source, target, protocol, part,
                           extensions=[(44, struct.pack("!BBHI", 0, 0, at | more, ident))]))
        at += len(part)
    return result


# --- conversations ------------------------------------------------------------------------------------------------

class Conversation:
    """Two ends and the IP packets between them, in the order in which the recorder saw them.

    Offsets count payload bytes of one direction from 0, so a scenario can say "bytes 10 to 20 again".
    """

    def __init__(self, client=("192.0.2.1", 40001), server=("192.0.2.2", 11311), isn=(1000, 2000), packets=None,
                 options=b"", extensions=()):
        self.ends = (client, server)
        self.isn = isn
        self.sent = [b"", b""]  # what each side has said so far
        self.packets = [] if packets is None else packets
        self.options, self.extensions = options, extensions

    def wrap(self, side, protocol, payload):
        (source, _), (target, _) = self.ends[side], self.ends[1 - side]
        if ":" in source:
            return ipv6(address(source), address(target), protocol, payload, extensions=self.extensions)
        return ipv4(address(source), address(target), protocol, payload, options=self.options)

    def seal(self, side, protocol, header, at, payload):
        """Fills in the checksum, `at` bytes into the transport header."""
        source, target = address(self.ends[side][0]), address(self.ends[1 - side][0])
        pseudo = source + target + struct.pack("!IBBBB" if len(source) == 16 else "!BBI",
                                               *((len(header + payload), 0, 0, 0, protocol) if len(source) == 16
                                                 else (0, protocol, len(header + payload))))
        value = checksum(pseudo + header + payload)
        return header[:at] + struct.pack("!H", value) + header[at + 2:] + payload

    def segment(self, side, offset, data=b"", flags=ACK, spoilt=False):
        """A TCP segment at a payload offset; nothing else is remembered. `spoilt`: its checksum is wrong."""
        sequence = (self.isn[side] + (0 if flags & SYN else 1) + offset) % 2**32
        expects = (self.isn[1 - side] + 1 + len(self.sent[1 - side])) % 2**32 if flags & ACK else 0
        header = struct.pack("!HHIIBBHHH", self.ends[side][1], self.ends[1 - side][1], sequence, expects, 0x50,
                             flags, 65535, 0, 0)
        sealed = self.seal(side, 6, header, 16, data)
        if spoilt:
            sealed = sealed[:16] + bytes([sealed[16] ^ 0x55]) + sealed[17:]
        self.packets.append(self.wrap(side, 6, sealed))

    def say(self, side, *frames, cut=None):
        """The next bytes of one side: in one segment, or in pieces of `cut` bytes."""
        data = b"".join(frames)
        cut = cut or len(data)
        for at in range(0, len(data), cut):
            part = data[at:at + cut]
            self.segment(side, len(self.sent[side]), part, ACK | PSH)
            self.sent[side] += part

    def client(self, *frames, **more):
        self.say(CLIENT, *frames, **more)

    def server(self, *frames, **more):
        self.say(SERVER, *frames, **more)

    def skip(self, side, *frames):
        """Said, but the recorder missed it."""
        self.sent[side] += b"".join(frames)

    def exchange(self, pairs, **more):
        for asked, answered in pairs:
            if asked:
                self.client(asked, **more)
            if answered:
                self.server(answered, **more)

    def open(self):
        self.segment(CLIENT, 0, flags=SYN)
        self.segment(SERVER, 0, flags=SYN | ACK)
        self.segment(CLIENT, 0)

    def close(self):
        self.segment(CLIENT, len(self.sent[CLIENT]), flags=FIN | ACK)
        self.segment(SERVER, len(self.sent[SERVER]), flags=FIN | ACK)
        self.segment(CLIENT, len(self.sent[CLIENT]) + 1)

    def datagram(self, side, data):
        header = struct.pack("!HHHH", self.ends[side][1], self.ends[1 - side][1], 8 + len(data), 0)
        self.packets.append(self.wrap(side, 17, self.seal(side, 17, header, 6, data)))
        self.sent[side] += data


# --- links --------------------------------------------------------------------------------------------------------

def is_ipv6(packet):
    return packet[0] >> 4 == 6


def ether_type(packet):
    return 0x86DD if is_ipv6(packet) else 0x0800


def ethernet(packet, *tags):
    """`tags`: pairs of tag protocol and VLAN number."""
    data = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02"
    for protocol, number in tags:
        data += struct.pack("!HH", protocol, number)
    return data + struct.pack("!H", ether_type(packet)) + packet


def padded(packet):
    """Ethernet's shortest frame has 60 bytes."""
    return ethernet(packet).ljust(60, b"\xee")


def cooked(packet):
    return struct.pack("!HHH8sH", 0, 1, 6, b"\x02\0\0\0\0\x01", ether_type(packet)) + packet


def cooked2(packet):
    return struct.pack("!HHIHBB8s", ether_type(packet), 0, 3, 1, 0, 6, b"\x02\0\0\0\0\x01") + packet


def loopback(packet, order="<", family6=30):
    return struct.pack(order + "I", family6 if is_ipv6(packet) else 2) + packet


# --- files --------------------------------------------------------------------------------------------------------

def pcap_header(link=ETHERNET, order="<", nano=False, snap=262144):
    return struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)


def pcap_record(data, number, order="<", nano=False, snap=262144, captured=None, length=None):
    at = START + number * STEP
    kept = data[:snap]
    return struct.pack(order + "IIII", at // 10**9, at % 10**9 // (1 if nano else 1000),
                       len(kept) if captured is None else captured, len(data) if length is None else length) + kept


def pcap(packets, link=ETHERNET, wrap=ethernet, **form):
    header = {k: v for k, v in form.items() if k in ("order", "nano", "snap")}
    return pcap_header(link, **header) + b"".join(pcap_record(wrap(p), i, **form) for i, p in enumerate(packets))


def block(kind, body, order="<", length=None, trailer=None):
    body += b"\0" * (-len(body) % 4)
    total = 12 + len(body)
    return (struct.pack(order + "II", kind, total if length is None else length) + body
            + struct.pack(order + "I", total if trailer is None else trailer))


def pcapng_section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def pcapng_interface(link=ETHERNET, order="<", resolution=6):
    option = struct.pack(order + "HHB3xHH", 9, 1, resolution, 0, 0)
    return block(1, struct.pack(order + "HHI", link, 0, 262144) + option, order)


def pcapng_packet(data, number, order="<", interface=0, resolution=6, options=b"", **lies):
    at = (START + number * STEP) // 10 ** (9 - resolution)
    body = struct.pack(order + "IIIII", interface, at >> 32, at & 0xFFFFFFFF, len(data), len(data)) + data
    return block(6, body + b"\0" * (-len(data) % 4) + options, order, **lies)


def pcapng_count(code, number, order="<"):
    """An option of eight bytes, and the end of options."""
    return struct.pack(order + "HHQHH", code, 8, number, 0, 0)


def pcapng_statistics(number, options, order="<", interface=0):
    at = (START + number * STEP) // 1000
    return block(5, struct.pack(order + "III", interface, at >> 32, at & 0xFFFFFFFF) + options, order)


def pcapng(packets, link=ETHERNET, wrap=ethernet, order="<"):
    return (pcapng_section(order) + pcapng_interface(link, order)
            + b"".join(pcapng_packet(wrap(p), i, order) for i, p in enumerate(packets)))
