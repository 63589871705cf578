#!/usr/bin/python3
"""Makes the captures in this folder: what clients and networks at hand do not produce.

usage: make.py [DIRECTORY]     (default: this folder)

The same bytes come out every time. expected.tsv says for every file which payload bytes are in which class.
"""
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from mcbp import *  # noqa: E402,F403
from packets import *  # noqa: E402,F403

OUT = sys.argv[1] if len(sys.argv) > 1 else HERE
EXPECTED = []


def keep(name, data, conversations, duplicate=0, not_mcbp=0):
    """Writes a file and the line that says what is in it. Everything said is frames, unless stated."""
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
    client = sum(len(c.sent[CLIENT]) for c in conversations)
    server = sum(len(c.sent[SERVER]) for c in conversations)
    EXPECTED.append((name, client, server, duplicate, 0, not_mcbp, client + server + duplicate + not_mcbp, 0))


def flags(value=0):
    return struct.pack("!I", value)


def got(opcode, key, value, cas, opaque, mark=0):
    """The answer to a GET-like request that found something."""
    return response(opcode, key if opcode in (GETK, GETKQ, GATK, GATKQ) else b"", flags(mark), value,
                    cas=cas, opaque=opaque)


def talk(rounds=3, name=b"made", first=1):
    """A short conversation with memcached 1.6 as pairs of request and answer."""
    pairs = []
    for i in range(rounds):
        key, value, n = b"%s:%d" % (name, i), b"value number %d" % i, first + 4 * i
        pairs += [
            (store(SET, key, value, flags=i, opaque=n), response(SET, cas=i + 1, opaque=n)),
            (request(GET, key, opaque=n + 1), got(GET, key, value, i + 1, n + 1, i)),
            (request(GETK, key, opaque=n + 2), got(GETK, key, value, i + 1, n + 2, i)),
            (request(GET, b"%s:none" % name, opaque=n + 3), error(GET, ENOENT, opaque=n + 3)),
        ]
    return pairs


def talked(pairs=None, finish=True, **how):
    c = Conversation(**how)
    c.open()
    c.exchange(pairs or talk())
    if finish:
        c.close()
    return c


# --- the protocol -------------------------------------------------------------------------------------------------

def frame_info(number, data):
    """A frame info; identifiers and lengths from 15 on need a byte of their own."""
    head = bytes([min(number, 15) << 4 | min(len(data), 15)])
    if number >= 15:
        head += bytes([number - 15])
    if len(data) >= 15:
        head += bytes([len(data) - 15])
    return head + data


DURATION, READ_UNITS, WRITE_UNITS, THROTTLE = range(4)

RESPONSE_INFOS = [
    b"",
    frame_info(DURATION, b"\x01\x23"),
    frame_info(READ_UNITS, b"\x00\x01"),
    frame_info(WRITE_UNITS, b"\x00\x02"),
    frame_info(THROTTLE, b"\x00\x03"),
    frame_info(DURATION, b"\xff\xff") + frame_info(READ_UNITS, b"\x00\x10"),
    frame_info(DURATION, b"\0\0") + frame_info(READ_UNITS, b"\0\1") + frame_info(WRITE_UNITS, b"\0\2"),
    b"".join(frame_info(i, struct.pack("!H", i)) for i in range(4)),  # 12 bytes: all there are
    frame_info(9, b""),
    frame_info(14, b"e" * 14),
    frame_info(15, b"escaped id"),
    frame_info(270, b"last id"),
    frame_info(5, b"L" * 15),
    frame_info(5, b"L" * 16),
    frame_info(5, b"L" * 200),
    frame_info(15, b"B" * 15),
    frame_info(100, b"B" * 100) + frame_info(DURATION, b"\x12\x34"),
    frame_info(0, b"D" * 252),  # with its two bytes of head nearly all that fits
]


def response_frame_infos():
    pairs = [(store(SET, b"info", b"with frame infos", opaque=1), response(SET, cas=1, opaque=1))]
    for n, infos in enumerate(RESPONSE_INFOS, 2):
        pairs.append((request(GET, b"info", opaque=n),
                      frame(FLEX_RESPONSE, GET, extras=flags(), value=b"with frame infos", framing=infos,
                            cas=1, opaque=n)))
        pairs.append((request(GETK, b"info", opaque=n + 1000),
                      frame(FLEX_RESPONSE, GETK, b"info", flags(), b"with frame infos", framing=infos,
                            cas=1, opaque=n + 1000)))
    c = talked(pairs)
    keep("frame-info-response.pcap", pcap(c.packets), [c])


def request_frame_infos():
    infos = [
        b"",
        frame_info(0, b""),  # barrier
        frame_info(1, b"\x01"),  # durability: majority
        frame_info(1, b"\x03\x00\x10"),  # durability with a time limit
        frame_info(5, b""),  # preserve expiry
        frame_info(4, b"a user"),  # on behalf of
        frame_info(4, b"a user with a long name"),  # escaped length
        frame_info(20, b"?"),  # escaped id
        frame_info(20, b"?" * 30),  # both
        frame_info(1, b"\x01") + frame_info(4, b"a user") + frame_info(5, b""),
    ]
    pairs = []
    for n, info in enumerate(infos, 1):
        pairs.append((frame(FLEX_REQUEST, SET, b"durable", struct.pack("!II", n, 0), b"value %d" % n, framing=info,
                            opaque=n), frame(FLEX_RESPONSE, SET, framing=frame_info(DURATION, b"\0\x40"), cas=n,
                                             opaque=n)))
        pairs.append((frame(FLEX_REQUEST, GET, b"durable", framing=info, opaque=n + 100),
                      frame(FLEX_RESPONSE, GET, extras=flags(n), value=b"value %d" % n,
                            framing=frame_info(DURATION, b"\0\x41"), cas=n, opaque=n + 100)))
    c = talked(pairs)
    keep("frame-info-request.pcap", pcap(c.packets), [c])


def server_requests():
    """The server asks too: cluster map notification, authentication, active users; the client answers with 0x83."""
    c = Conversation()
    c.open()
    c.exchange(talk(1))
    c.server(frame(SERVER_REQUEST, 0x01, b"flights1", flags(42), b'{"rev":42}', datatype=1, opaque=0xA0000001))
    c.server(frame(SERVER_REQUEST, 0x02, value=b'{"mechanism":"PLAIN","challenge":"AA=="}', datatype=1,
                   opaque=0xA0000002))
    c.client(frame(CLIENT_RESPONSE, 0x02, value=b'{"rbac":{}}', datatype=1, opaque=0xA0000002))
    c.server(frame(SERVER_REQUEST, 0x03, value=b'["a user"]', datatype=1, opaque=0xA0000003))
    c.client(frame(CLIENT_RESPONSE, 0x03, status=ENOENT, opaque=0xA0000003))
    c.exchange([(request(GET, b"made:0", opaque=99), got(GET, b"made:0", b"value number 0", 1, 99))])
    c.close()
    keep("server-request.pcap", pcap(c.packets), [c])


DCP_OPEN, DCP_STREAM_REQ, DCP_STREAM_END, DCP_SNAPSHOT, DCP_MUTATION, DCP_DELETION = 0x50, 0x53, 0x55, 0x56, 0x57, 0x58
DCP_EXPIRATION, DCP_NOOP, DCP_BUFFER_ACK, DCP_CONTROL, DCP_SYSTEM_EVENT = 0x59, 0x5C, 0x5D, 0x5E, 0x5F


def dcp(name, framing=b""):
    """A change stream: the client opens it, then the server sends requests; with `framing` as stream-id."""
    c = Conversation()
    c.open()
    c.exchange([
        (request(DCP_OPEN, b"kvreplay", struct.pack("!II", 0, 1), opaque=1), response(DCP_OPEN, opaque=1)),
        (request(DCP_CONTROL, b"connection_buffer_size", value=b"10000", opaque=2), response(DCP_CONTROL, opaque=2)),
        (request(DCP_CONTROL, b"enable_noop", value=b"true", opaque=3), response(DCP_CONTROL, opaque=3)),
        (request(DCP_STREAM_REQ, extras=struct.pack("!IIQQQQQ", 0, 0, 0, 2**64 - 1, 0, 0, 0), opaque=0x5EED,
                 status=7),
         response(DCP_STREAM_REQ, value=struct.pack("!QQ", 0xFEEDDECA, 0), opaque=0x5EED)),
    ])
    magic = FLEX_REQUEST if framing else REQUEST

    def sends(opcode, key=b"", extras=b"", value=b"", **more):
        return frame(magic, opcode, key, extras, value, framing=framing, status=7, opaque=0x5EED, **more)

    c.server(sends(DCP_SNAPSHOT, extras=struct.pack("!QQI", 0, 6, 1)))
    c.server(
        sends(DCP_MUTATION, b"\0doc1", struct.pack("!QQIIIHB", 1, 1, 0x02000006, 0, 0, 0, 0), b'{"n":1}', datatype=1,
              cas=0x1122334455667788),
        sends(DCP_MUTATION, b"\0doc2", struct.pack("!QQIIIHB", 2, 1, 0, 0, 0, 0, 0), b"\x07\x18snappy.", datatype=2,
              cas=0x1122334455667789),
        sends(DCP_DELETION, b"\0doc1", struct.pack("!QQIB", 3, 2, 1700000000, 0), cas=0x112233445566778A),
        sends(DCP_EXPIRATION, b"\0doc2", struct.pack("!QQI", 4, 2, 1700000000), cas=0x112233445566778B))
    c.client(request(DCP_BUFFER_ACK, extras=flags(300), opaque=0x5EEE))
    c.server(sends(DCP_SYSTEM_EVENT, b"a collection", struct.pack("!QIB", 5, 0, 0), struct.pack("!QII", 1, 0, 8)))
    # A NOOP is answered by the client, and server requests may arrive between question and answer.
    c.server(request(DCP_NOOP, opaque=0x1000))
    c.server(sends(DCP_MUTATION, b"\0doc3", struct.pack("!QQIIIHB", 6, 1, 0, 0, 0, 0, 0),
                   struct.pack("!I", 10) + flags(6) + b"_x\0{}\0" + b'{"n":3}', datatype=5, cas=0x112233445566778C))
    c.client(response(DCP_NOOP, opaque=0x1000))
    c.server(sends(DCP_STREAM_END, extras=flags(0)))
    c.close()
    keep(name, pcap(c.packets), [c])


def datatypes():
    """JSON, snappy and xattr, alone and together: in requests, in hits of keys stored before, in other opcodes."""
    get_replica = 0x83
    pairs = []
    for n, (datatype, value) in enumerate([(0, b"raw"), (1, b'{"json":true}'), (2, b"\x06\x14snappy"),
                                           (3, b"\x02\x04{}"), (4, struct.pack("!II", 8, 4) + b"a\0b\0" + b"body"),
                                           (5, struct.pack("!II", 8, 4) + b"a\0b\0" + b"{}"), (7, b"\x01\x00x")], 1):
        key = b"type:%d" % datatype
        hit = dict(extras=flags(n), value=value, datatype=datatype, cas=100 + n)
        pairs += [
            (request(SET, b"new:" + key, struct.pack("!II", n, 0), value, datatype=datatype, opaque=n),
             response(SET, cas=200 + n, opaque=n)),
            (request(GET, key, opaque=n + 50), response(GET, opaque=n + 50, **hit)),
            (request(get_replica, key, opaque=n + 90), response(get_replica, opaque=n + 90, **hit)),
        ]
    c = talked(pairs)
    keep("datatypes.pcap", pcap(c.packets), [c])


def couchbase():
    """Opcodes that only Couchbase knows, well formed."""
    hello = struct.pack("!5H", 0x03, 0x06, 0x0A, 0x0B, 0x10)
    config = b'{"rev":1,"name":"flights1"}'
    lookup = struct.pack("!HI", 0, 1) + b"1" + struct.pack("!HI", 192, 0)
    asked = [
        (request(HELLO, b"an agent", value=hello), dict(value=hello)),
        (request(0x89, b"flights1"), {}),  # SELECT_BUCKET
        (request(0xFE, value=b"\0\2"), dict(value=b'{"version":2}', datatype=1)),  # GET_ERROR_MAP
        (request(0xB5), dict(value=config, datatype=1)),  # GET_CLUSTER_CONFIG
        (request(0xBA), dict(value=b'{"uid":"0"}', datatype=1)),  # COLLECTIONS_GET_MANIFEST
        (request(0xBB, value=b"_default._default"), dict(extras=struct.pack("!QI", 0, 0))),  # COLLECTIONS_GET_ID
        (request(0xC8, b"doc", struct.pack("!HB", 1, 0), b"n1"), dict(cas=7)),  # SUBDOC_DICT_UPSERT
        (request(0xC5, b"doc", struct.pack("!HB", 1, 0), b"n"), dict(value=b"1", datatype=1, cas=7)),  # SUBDOC_GET
        (request(0xD0, b"doc", value=struct.pack("!BBH", 0xC5, 0, 1) + b"n" + struct.pack("!BBH", 0xC5, 0, 1) + b"m"),
         dict(value=lookup, status=0xCC, cas=7)),  # SUBDOC_MULTI_LOOKUP, one path absent
        (request(0xA0, b"doc"), dict(extras=struct.pack("!IIIQ", 0, 0, 0, 1), cas=7)),  # GET_META
        (request(0x83, b"doc"), dict(status=0x07, value=b"")),  # GET_REPLICA: not my vbucket
        (request(0x91, value=struct.pack("!Q", 99)),
         dict(value=struct.pack("!BHQQQ", 0, 0, 99, 1, 1))),  # OBSERVE_SEQNO
    ]
    pairs = []
    for n, (data, answer) in enumerate(asked, 1):
        pairs.append((data[:12] + struct.pack("!I", n) + data[16:], response(data[1], opaque=n, **answer)))
    c = talked(pairs)
    keep("couchbase-opcodes.pcap", pcap(c.packets), [c])


def unordered():
    """Answers in another order than the requests, as agreed on by HELLO; only the opaque tells whose they are."""
    keys = [b"order:%d" % i for i in range(6)]
    unordered_execution = struct.pack("!H", 0x0E)
    c = Conversation()
    c.open()
    c.exchange([(request(HELLO, b"an agent", value=unordered_execution),
                 response(HELLO, value=unordered_execution))])
    c.exchange([(store(SET, k, b"value %d" % i, opaque=i + 1), response(SET, cas=i + 1, opaque=i + 1))
                for i, k in enumerate(keys)])
    c.client(*[request(GET, k, opaque=100 + i) for i, k in enumerate(keys)])
    c.server(*[got(GET, keys[i], b"value %d" % i, i + 1, 100 + i) for i in (5, 0, 3, 1, 4, 2)])
    c.close()
    keep("unordered.pcap", pcap(c.packets), [c])


def long_frames():
    """The longest key in a framed response, the longest framing, an empty body, a value that looks like frames."""
    inside = request(GET, b"not a frame") + response(GET, value=b"nor this")
    pairs = [
        (store(SET, b"k" * 250, inside, opaque=1), response(SET, cas=1, opaque=1)),
        (request(GETK, b"k" * 250, opaque=2), got(GETK, b"k" * 250, inside, 1, 2)),
        (request(GETK, b"k" * 250, opaque=3),
         frame(FLEX_RESPONSE, GETK, b"k" * 250, flags(), inside, framing=frame_info(DURATION, b"D" * 252),
               cas=1, opaque=3)),
        (store(SET, b"k", b"", opaque=4), response(SET, cas=2, opaque=4)),
        (request(GET, b"k", opaque=0xFFFFFFFF), got(GET, b"k", b"", 2, 0xFFFFFFFF)),
        (request(NOOP, opaque=0), response(NOOP)),
        # Only rows of STAT may have keys that need more than 8 bits for their length.
        (request(STAT, opaque=9), response(STAT, b"s" * 300, value=b"1", opaque=9) + response(STAT, opaque=9)),
    ]
    c = talked(pairs)
    keep("long-frames.pcap", pcap(c.packets), [c])


# --- files and links ----------------------------------------------------------------------------------------------

def files_and_links():
    six = dict(client=("2001:db8::1", 40001), server=("2001:db8::2", 11311))
    for name, form in [
        ("big-endian.pcap", dict(order=">")),
        ("big-endian-nano.pcap", dict(order=">", nano=True)),
        ("little-endian-nano.pcap", dict(nano=True)),
        ("vlan.pcap", dict(wrap=lambda p: ethernet(p, (0x8100, 42)))),
        ("qinq.pcap", dict(wrap=lambda p: ethernet(p, (0x88A8, 42), (0x8100, 7)))),
        ("qinq-old.pcap", dict(wrap=lambda p: ethernet(p, (0x9100, 42), (0x8100, 7)))),
        ("padded.pcap", dict(wrap=padded)),
        ("raw-ip.pcap", dict(link=RAW, wrap=bytes)),
        ("sll.pcap", dict(link=SLL, wrap=cooked)),
        ("sll2.pcap", dict(link=SLL2, wrap=cooked2)),
        ("null-little.pcap", dict(link=NULL, wrap=loopback)),
        ("null-big.pcap", dict(link=NULL, wrap=lambda p: loopback(p, ">"), order=">")),
        ("loop.pcap", dict(link=LOOP, wrap=lambda p: loopback(p, ">"))),
    ]:
        c = talked()
        keep(name, pcap(c.packets, **form), [c])
    for name, family in [("null-ipv6-netbsd.pcap", 24), ("null-ipv6-freebsd.pcap", 28), ("null-ipv6-darwin.pcap", 30)]:
        c = talked(**six)
        keep(name, pcap(c.packets, link=NULL, wrap=lambda p, f=family: loopback(p, family6=f)), [c])
    c = talked(**six)
    keep("raw-ipv6.pcap", pcap(c.packets, link=RAW, wrap=bytes), [c])
    c = talked()
    keep("big-endian.pcapng", pcapng(c.packets, order=">"), [c])
    c = talked()
    data = pcapng_section() + pcapng_interface(resolution=6) + pcapng_interface(resolution=9)
    for i, p in enumerate(c.packets):
        data += pcapng_packet(ethernet(p), i, interface=i % 2, resolution=9 if i % 2 else 6)
    keep("two-interfaces.pcapng", data, [c])


# --- IP -----------------------------------------------------------------------------------------------------------

def long_talk():
    value = bytes(range(256)) * 4
    return [(store(SET, b"long", value, opaque=1), response(SET, cas=1, opaque=1)),
            (request(GET, b"long", opaque=2), got(GET, b"long", value, 1, 2)),
            (request(NOOP, opaque=3), response(NOOP, opaque=3))]


def fragmented(packets, how):
    """Replaces each packet that carries more than 500 bytes by its fragments."""
    result = []
    for number, packet in enumerate(packets):
        if len(packet) < 500:
            result.append(packet)
        else:
            cut = fragments6 if is_ipv6(packet) else fragments4
            result += how(cut(packet, [256, 8, 512], 0x4000 + number))
    return result


def ip():
    six = dict(client=("2001:db8::1", 40001), server=("2001:db8::2", 11311))
    swap = [2, 0, 3, 1]
    c = talked(long_talk())
    keep("ipv4-fragments.pcap", pcap(fragmented(c.packets, list)), [c])
    c = talked(long_talk())
    keep("ipv4-fragments-reordered.pcap", pcap(fragmented(c.packets, lambda f: [f[i] for i in swap])), [c])
    c = talked(long_talk())
    again = lambda f: [f[0], f[1], f[1], f[0], f[2], f[3]]  # noqa: E731
    # A repeated fragment is repeated as a whole, the 20 bytes of TCP header in the first one with it.
    keep("ipv4-fragments-repeated.pcap", pcap(fragmented(c.packets, again)), [c], duplicate=2 * (256 + 8))
    # The middle one covers the end of the first and the beginning of the last once more, with the same bytes.
    c = talked(long_talk())
    packets = []
    for number, packet in enumerate(c.packets):
        if len(packet) < 500:
            packets.append(packet)
            continue
        payload, fields = packet[20:], (packet[12:16], packet[16:20], packet[9])
        for start, end in ((0, 400), (320, 720), (640, len(payload))):
            packets.append(ipv4(*fields, payload[start:end], ident=number, offset=start, more=end < len(payload)))
    keep("ipv4-fragments-overlap.pcap", pcap(packets), [c], duplicate=2 * (80 + 80))
    c = talked(long_talk(), options=b"\x01\x01\x01\x01\x94\x04\0\0")  # no-ops and router alert
    keep("ipv4-options.pcap", pcap(c.packets), [c])
    extensions = [
        (0, b"\0\0\x05\x02\0\0\x01\0"),  # hop by hop: router alert
        (60, b"\0\x01" + b"\x01\x0c" + b"\0" * 12),  # destination options of 16 bytes
        (43, b"\0\0\xfd\0\0\0\0\0"),  # routing, nothing left to visit
        (60, b"\0\0\x01\x04\0\0\0\0"),
    ]
    c = talked(extensions=extensions, **six)
    keep("ipv6-extensions.pcap", pcap(c.packets), [c])
    c = talked(long_talk(), **six)
    keep("ipv6-fragments.pcap", pcap(fragmented(c.packets, list)), [c])
    c = talked(long_talk(), **six)
    keep("ipv6-fragments-reordered.pcap", pcap(fragmented(c.packets, lambda f: [f[i] for i in swap])), [c])
    c = talked(extensions=[(44, struct.pack("!BBHI", 0, 0, 0, 77))], **six)  # a fragment header, one fragment
    keep("ipv6-atomic-fragments.pcap", pcap(c.packets), [c])


# --- TCP ----------------------------------------------------------------------------------------------------------

def pipeline(count=8):
    """Many requests at once and their answers: two strings of bytes."""
    asked, answered = b"", b""
    for i in range(count):
        key, value = b"pipe:%d" % i, b"value %d " % i * (i + 1)
        asked += store(SETQ, key, value, flags=i, opaque=10 + i) + request(GETK, key, opaque=50 + i)
        answered += got(GETK, key, value, i + 1, 50 + i, i)
    return asked + request(NOOP, opaque=99), answered + response(NOOP, opaque=99)


def pieces(data, size):
    return [(at, data[at:at + size]) for at in range(0, len(data), size)]


def spread(c, side, order, size):
    """One side's bytes in pieces, in an order of arrival of its own."""
    data = pipeline()[side]
    parts = pieces(data, size)
    for i in order(len(parts)):
        c.segment(side, *parts[i])
    c.sent[side] += data


def tcp():
    def started(**how):
        c = Conversation(**how)
        c.open()
        return c

    def done(name, *conversations, **more):
        keep(name, pcap(conversations[0].packets), conversations, **more)

    c = started()
    swapped = lambda n: [i ^ 1 if i ^ 1 < n else i for i in range(n)]  # noqa: E731
    spread(c, CLIENT, swapped, 100)
    spread(c, SERVER, lambda n: reversed(range(n)), 100)
    c.close()
    done("tcp-out-of-order.pcap", c)

    # Sent again with other boundaries, as a sender does that merges what was not acknowledged.
    c = started()
    asked, answered = pipeline()
    again = 0
    for side, data in ((CLIENT, asked), (SERVER, answered)):
        for at, part in pieces(data, 64):
            c.segment(side, at, part)
            if at >= 128 and at % 128 == 0:
                c.segment(side, at - 100, data[at - 100:at])
                again += 100
        c.sent[side] += data
    c.segment(CLIENT, 0, asked)
    c.segment(SERVER, 0, answered)
    c.close()
    done("tcp-retransmitted.pcap", c, duplicate=again + len(asked) + len(answered))

    # Segments that bring new bytes together with old ones, before and behind.
    c = started()
    again = 0
    for side, data in ((CLIENT, asked), (SERVER, answered)):
        for at, part in pieces(data, 90):
            back = min(at, 40)
            c.segment(side, at - back, data[at - back:at] + part)
            again += back
        c.sent[side] += data
    c.close()
    done("tcp-overlap.pcap", c, duplicate=again)

    # A hole, later filled by a segment that covers what lies on both sides of it.
    c = started()
    c.segment(CLIENT, 0, asked[:100])
    c.segment(CLIENT, 200, asked[200:300])
    c.segment(CLIENT, 50, asked[50:250])
    c.segment(CLIENT, 300, asked[300:])
    c.sent[CLIENT] += asked
    c.server(answered)
    c.close()
    done("tcp-hole-filled.pcap", c, duplicate=100)

    # Repeated bytes that differ: their checksum is wrong, so that the receiver has dropped them.
    c = started()
    c.client(asked)
    c.segment(CLIENT, 24, b"\xff" * 100, spoilt=True)
    c.server(answered)
    c.segment(SERVER, 0, b"\x81" * 60, spoilt=True)
    c.close()
    done("tcp-repeat-differs.pcap", c, duplicate=160)

    # The other way round: what was spoilt on its way comes first, and once with other boundaries.
    for name, ends in (("tcp-spoilt-ipv4.pcap", {}),
                       ("tcp-spoilt-ipv6.pcap", dict(client=("2001:db8::1", 40001), server=("2001:db8::2", 11311)))):
        c = started(**ends)
        for i, (one, other) in enumerate(talk(3)):
            for side, data in ((CLIENT, one), (SERVER, other)):
                at = len(c.sent[side])
                spoilt = data[:-3] + b"\0\0\0"
                if i in (1, 4):
                    c.segment(side, at, spoilt, spoilt=True)
                    c.segment(side, at, data)
                elif i == 7:
                    c.segment(side, at, data[:10])
                    c.segment(side, at + 10, spoilt[10:], spoilt=True)
                    c.segment(side, at, data[:20])
                    c.segment(side, at + 20, data[20:])
                else:
                    c.segment(side, at, data)
                c.sent[side] += data
        c.close()
        pairs = talk(3)
        again = sum(len(side) for i in (1, 4) for side in pairs[i]) + sum(len(side) for side in pairs[7])
        done(name, c, duplicate=again)

    # Segments that the sender's network card would have cut: larger than an IP header can say.
    big = bytes(range(256)) * 260
    for name, ends in (("tcp-large-ipv4.pcap", {}),
                       ("tcp-large-ipv6.pcap", dict(client=("2001:db8::1", 40001), server=("2001:db8::2", 11311)))):
        c = started(**ends)
        c.exchange([(store(SET, b"large", big, opaque=1), response(SET, cas=1, opaque=1)),
                    (request(APPEND, b"large", value=big[:100], opaque=2), response(APPEND, cas=2, opaque=2)),
                    (store(REPLACE, b"large", big[1:], opaque=3), response(REPLACE, cas=3, opaque=3))])
        c.close()
        done(name, c)

    c = started(isn=(2**32 - 300, 2**32 - 150))
    c.exchange(talk(6))
    c.close()
    done("tcp-wrap.pcap", c)

    c = started(isn=(2**32 - 200, 2**32 - 100))
    spread(c, CLIENT, swapped, 60)
    spread(c, SERVER, swapped, 60)
    c.close()
    done("tcp-wrap-out-of-order.pcap", c)

    c = started()
    c.exchange(talk(2), cut=1)
    c.close()
    done("tcp-one-byte.pcap", c)

    # The same addresses and ports five times, ended in different ways; the last ones begin at older numbers.
    packets, conversations = [], []
    for i, end in enumerate(("fin", "rst client", "rst server", "nothing", "fin")):
        c = Conversation(isn=(900000 - i * 100000, 500000 - i * 1000), packets=packets)
        c.open()
        cas, value = i + 1, b"round %d" % i
        c.exchange([(store(SET, b"reused", value, opaque=1), response(SET, cas=cas, opaque=1)),
                    (request(GET, b"reused", opaque=2), got(GET, b"reused", value, cas, 2))])
        if end == "fin":
            c.close()
        elif end != "nothing":
            side = CLIENT if end == "rst client" else SERVER
            c.segment(side, len(c.sent[side]), flags=RST | ACK)
        conversations.append(c)
    done("tcp-port-reuse.pcap", *conversations)

    c = started()
    c.exchange(talk(2))
    c.segment(CLIENT, len(c.sent[CLIENT]), flags=RST)
    done("tcp-reset.pcap", c)

    # Keep-alive probes: one byte before the next, with and without that byte.
    c = started()
    for asked_, answered_ in talk(2):
        c.client(asked_)
        c.server(answered_)
        c.segment(CLIENT, len(c.sent[CLIENT]) - 1, b"\0")
        c.segment(SERVER, len(c.sent[SERVER]))
        c.segment(SERVER, len(c.sent[SERVER]) - 1)
        c.segment(CLIENT, len(c.sent[CLIENT]))
    c.close()
    done("tcp-keep-alive.pcap", c, duplicate=len(talk(2)))

    # The last request comes with the FIN; the server answers into the half-closed connection, with its own FIN.
    c = started()
    c.exchange(talk(1))
    last, answer = request(GET, b"made:0", opaque=77), got(GET, b"made:0", b"value number 0", 1, 77)
    c.segment(CLIENT, len(c.sent[CLIENT]), last, FIN | PSH | ACK)
    c.sent[CLIENT] += last
    c.segment(SERVER, len(c.sent[SERVER]), answer, FIN | PSH | ACK)
    c.sent[SERVER] += answer
    c.segment(CLIENT, len(c.sent[CLIENT]) + 1)
    done("tcp-fin-with-data.pcap", c)

    # Data in the SYN (fast open), and the SYN itself sent twice.
    c = Conversation()
    first, answer = talk(1)[0]
    c.segment(CLIENT, 0, flags=SYN)
    c.segment(CLIENT, 0, first, SYN)
    c.sent[CLIENT] += first
    c.segment(SERVER, 0, flags=SYN | ACK)
    c.segment(CLIENT, len(first))
    c.server(answer)
    c.exchange(talk(1)[1:])
    c.close()
    done("tcp-data-in-syn.pcap", c)

    # Two connections of one client between whose packets the other's lie; each key belongs to one of them.
    packets = []
    a = Conversation(packets=packets)
    b = Conversation(client=("192.0.2.1", 40002), packets=packets)
    a.open()
    b.open()
    for i in range(4):
        for n, c in enumerate((a, b)):
            c.client(store(SET, b"%d:%d" % (n, i), b"value", opaque=i))
        for n, c in enumerate((a, b)):
            c.server(response(SET, cas=2 * i + n + 1, opaque=i))
    a.close()
    b.close()
    done("tcp-interleaved.pcap", a, b)


# --- UDP ----------------------------------------------------------------------------------------------------------

def datagrams(number, data, room=1392):
    """memcached's frames for one message: request id, sequence number, how many, reserved."""
    parts = [data[at:at + room] for at in range(0, len(data), room)]
    return [struct.pack("!HHHH", number, i, len(parts), 0) + part for i, part in enumerate(parts)]


def udp():
    value = bytes(range(256)) * 20
    messages = [
        (1, store(SET, b"udp", value[:1000], opaque=1), response(SET, cas=1, opaque=1)),
        (2, request(GET, b"udp", opaque=2), got(GET, b"udp", value[:1000], 1, 2)),
        (3, request(GET, b"big", opaque=3), got(GET, b"big", value, 0x1234, 3, 5)),  # stored before
        (4, request(GETK, b"big", opaque=4), got(GETK, b"big", value, 0x1234, 4, 5)),
        (0xFFFF, request(GET, b"none", opaque=5), error(GET, ENOENT, opaque=5)),
        (0, request(NOOP, opaque=6), response(NOOP, opaque=6)),
    ]
    for name, order in (("udp.pcap", lambda d: d), ("udp-reordered.pcap", lambda d: d[1::2] + d[::2])):
        c = Conversation()
        for number, asked, answered in messages:
            for data in datagrams(number, asked):
                c.datagram(CLIENT, data)
            for data in order(datagrams(number, answered)):
                c.datagram(SERVER, data)
        keep(name, pcap(c.packets), [c])
    # The last field of the header has no meaning; memcached doesn't look at it.
    c = Conversation()
    for number, asked, answered in messages[:2] + messages[4:]:
        c.datagram(CLIENT, struct.pack("!HHHH", number, 0, 1, 0x71 + number % 256) + asked)
        c.datagram(SERVER, struct.pack("!HHHH", number, 0, 1, 0) + answered)
    keep("udp-reserved.pcap", pcap(c.packets), [c])
    # Three requests before the first answer; the answers' datagrams are interleaved.
    c = Conversation(client=("2001:db8::1", 40001), server=("2001:db8::2", 11311))
    for number, asked, answered in messages[:2]:
        c.datagram(CLIENT, datagrams(number, asked)[0])
        c.datagram(SERVER, datagrams(number, answered)[0])
    for number, asked, _ in messages[2:5]:
        c.datagram(CLIENT, datagrams(number, asked)[0])
    answers = [datagrams(number, answered) for number, _, answered in messages[2:5]]
    for i in range(max(map(len, answers))):
        for parts in answers:
            if i < len(parts):
                c.datagram(SERVER, parts[i])
    keep("udp-interleaved.pcap", pcap(c.packets), [c])


def no_memory():
    """memcached -M: what it needed the memory for is in the text."""
    def refused(opcode, opaque, behind=b""):
        return response(opcode, value=ERROR_TEXT[ENOMEM] + behind, status=ENOMEM, opaque=opaque)

    c = talked([
        (store(SET, b"k", b"5", opaque=1), response(SET, cas=1, opaque=1)),
        (store(ADD, b"new", b"v", opaque=2), refused(ADD, 2)),
        (store(SET, b"k", b"v", opaque=3), refused(SET, 3, b" during read")),
        (arith(INCREMENT, b"k", opaque=4), refused(INCREMENT, 4, b" incrementing value")),
        (arith(INCREMENTQ, b"new", opaque=5), refused(INCREMENTQ, 5, b" allocating new item")),
        (request(GET, b"k", opaque=6), got(GET, b"k", b"5", 1, 6)),
        (store(SET, b"k", b"v", opaque=7), refused(SET, 7, b" allocating item")),
        (request(GET, b"k", opaque=8), error(GET, ENOENT, opaque=8)),
    ])
    keep("no-memory.pcap", pcap(c.packets), [c])


def main():
    response_frame_infos()
    request_frame_infos()
    server_requests()
    dcp("dcp.pcap")
    dcp("dcp-stream-id.pcap", frame_info(2, b"\0\x09"))
    datatypes()
    couchbase()
    unordered()
    no_memory()
    long_frames()
    files_and_links()
    ip()
    tcp()
    udp()
    with open(os.path.join(OUT, "expected.tsv"), "w") as f:
        f.write("file\tclient_frames\tserver_frames\tduplicate\tunparsed\tnot_mcbp\ttotal\tlost_bytes\n")
        for line in sorted(EXPECTED):
            f.write("\t".join(map(str, line)) + "\n")


main()
