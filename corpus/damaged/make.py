#!/usr/bin/python3
"""Makes the captures in this folder: each has one thing wrong with it.

usage: make.py [DIRECTORY]     (default: this folder)

The same bytes come out every time. expected.tsv says what is to be found out about each file: computed here, from
what was put in. In it "-" is "not stated", ">0" is "some, how much cannot be known".
"""
import os
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from mcbp import *  # noqa: E402,F403
from packets import *  # noqa: E402,F403

OUT = sys.argv[1] if len(sys.argv) > 1 else HERE
EXPECTED = []

OK, DIFFERENT, UNREADABLE, NO_EVIDENCE = 0, 1, 3, 4
FIELDS = ("client_frames", "server_frames", "duplicate", "unparsed", "not_mcbp", "total", "lost_bytes")


def keep(name, data, status, reason, *, any_loss=None, field="-", ledger=None):
    """Writes a file and its line. `any_loss`: the status with --max-loss any, when that is another."""
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
    numbers = [str((ledger or {}).get(k, "-")) for k in FIELDS]
    EXPECTED.append("\t".join([name, str(status), str(status if any_loss is None else any_loss), field] + numbers
                              + [reason]))


def ledger(conversation=None, *, client=None, server=None, duplicate=0, unparsed=0, not_mcbp=0, lost=0):
    """The classes: everything a conversation said is frames unless stated otherwise."""
    client = len(conversation.sent[CLIENT]) if client is None else client
    server = len(conversation.sent[SERVER]) if server is None else server
    return dict(client_frames=client, server_frames=server, duplicate=duplicate, unparsed=unparsed,
                not_mcbp=not_mcbp, total=client + server + duplicate + unparsed + not_mcbp, lost_bytes=lost)


def flags(value=0):
    return struct.pack("!I", value)


def stored(i, opaque):
    """One SET of a conversation and its answer."""
    return (store(SET, b"key:%d" % i, b"value number %d" % i, opaque=opaque), response(SET, cas=i + 1, opaque=opaque))


def read(i, opaque):
    return (request(GET, b"key:%d" % i, opaque=opaque),
            response(GET, extras=flags(), value=b"value number %d" % i, cas=i + 1, opaque=opaque))


def talk(rounds=3):
    pairs = []
    for i in range(rounds):
        pairs += [stored(i, 2 * i + 1), read(i, 2 * i + 2)]
    return pairs


def started():
    c = Conversation()
    c.open()
    return c


def talked(pairs=None, finish=True):
    c = started()
    c.exchange(pairs or talk())
    if finish:
        c.close()
    return c


# --- files that are none ------------------------------------------------------------------------------------------

def not_captures():
    good = pcap(talked().packets)
    keep("empty.pcap", b"", UNREADABLE, "no bytes at all")
    keep("text.pcap", b"This is a text file, whatever its name says.\n" * 4, UNREADABLE, "text")
    keep("header-cut.pcap", good[:20], UNREADABLE, "ends within the file header")
    keep("magic.pcap", b"\xa1\xb2\xc3\xff" + good[4:], UNREADABLE, "another magic number")
    keep("unknown-link.pcap", pcap(talked().packets, link=147), UNREADABLE, "a link type that nobody can know")
    keep("header-only.pcap", good[:24], NO_EVIDENCE, "a header and no packets", ledger=ledger(Conversation()))
    section = pcapng_section()
    keep("section-cut.pcapng", section[:14], UNREADABLE, "ends within the section header")


def records():
    c = talked(finish=False)
    data = pcap(c.packets)
    last = ethernet(c.packets[-1])
    without_last = ledger(client=len(c.sent[CLIENT]), server=len(c.sent[SERVER]) - len(talk()[-1][1]), lost=">0")
    keep("record-header-cut.pcap", data[:-len(last) - 9], NO_EVIDENCE, "ends 7 bytes into a record header",
         any_loss=OK, ledger=without_last)
    keep("record-body-cut.pcap", data[:-20], NO_EVIDENCE, "ends within a packet", any_loss=OK, ledger=without_last)
    c = talked()
    frames = [ethernet(p) for p in c.packets]

    def with_record(number, **lies):
        return pcap_header() + b"".join(pcap_record(f, i, **(lies if i == number else {}))
                                        for i, f in enumerate(frames))

    keep("record-length-huge.pcap", with_record(7, captured=300 << 20, length=300 << 20), UNREADABLE,
         "a record claims 300 MiB")
    keep("record-length-negative.pcap", with_record(7, captured=0xFFFFFFF0), UNREADABLE, "a record claims almost 4 GiB")
    keep("record-length-lies.pcap", with_record(7, captured=len(frames[7]) + 2), UNREADABLE,
         "a record claims 2 bytes more than it has: the next header makes no sense")
    keep("record-captured-over-length.pcap", with_record(7, length=len(frames[7]) - 20), OK,
         "more captured than there was; the packet itself is whole", ledger=ledger(c))


def sections():
    c = talked(finish=False)
    start = pcapng_section() + pcapng_interface()
    blocks = [pcapng_packet(ethernet(p), i) for i, p in enumerate(c.packets)]
    keep("block-length-huge.pcapng", start + b"".join(blocks[:5]) + pcapng_packet(b"x" * 40, 5, length=0x7FFFFFF0)
         + b"".join(blocks[5:]), UNREADABLE, "a block claims 2 GiB")
    keep("block-length-odd.pcapng", start + b"".join(blocks[:5]) + pcapng_packet(b"x" * 40, 5, length=75)
         + b"".join(blocks[5:]), UNREADABLE, "a block length that is no multiple of 4")
    keep("block-length-short.pcapng", start + b"".join(blocks[:5]) + pcapng_packet(b"x" * 40, 5, length=8)
         + b"".join(blocks[5:]), UNREADABLE, "a block shorter than its own frame")
    keep("block-trailer.pcapng", start + b"".join(blocks[:5]) + pcapng_packet(b"x" * 40, 5, trailer=76)
         + b"".join(blocks[5:]), UNREADABLE, "the two lengths of a block differ")
    keep("block-interface.pcapng", start + b"".join(blocks[:5]) + pcapng_packet(b"x" * 40, 5, interface=9)
         + b"".join(blocks[5:]), UNREADABLE, "a packet on an interface that was never described")
    keep("mixed-links.pcapng", start + pcapng_interface(link=RAW) + b"".join(blocks), UNREADABLE,
         "two interfaces with different link types")
    cut = ledger(client=len(c.sent[CLIENT]), server=len(c.sent[SERVER]) - len(talk()[-1][1]), lost=">0")
    keep("block-cut.pcapng", start + b"".join(blocks)[:-30], NO_EVIDENCE, "ends within a packet block", any_loss=OK,
         ledger=cut)


def dropped():
    """Nothing is missing that can be seen, but the recorder says that it dropped packets."""
    c = talked()
    end = len(c.packets)

    def with_drops(order, options, statistics=b""):
        return (pcapng_section(order) + pcapng_interface(order=order)
                + b"".join(pcapng_packet(ethernet(p), i, order, options=options.get(i, b""))
                           for i, p in enumerate(c.packets)) + statistics)

    for name, order, options, statistics, what in (
            ("drops-between.pcapng", "<", {5: pcapng_count(4, 2), 8: pcapng_count(4, 1)}, b"",
             "two counts between packets"),
            ("drops-by-interface.pcapng", "<", {}, pcapng_statistics(end, pcapng_count(5, 3)),
             "the interface dropped three"),
            ("drops-by-system.pcapng", ">", {}, pcapng_statistics(end, pcapng_count(7, 3, ">"), ">"),
             "the system dropped three")):
        keep(name, with_drops(order, options, statistics), NO_EVIDENCE, "states dropped packets: " + what, any_loss=OK,
             ledger=ledger(c))
    keep("drops-none.pcapng", with_drops("<", {5: pcapng_count(4, 0)}, pcapng_statistics(end, pcapng_count(5, 0))), OK,
         "states that none were dropped", ledger=ledger(c))
    packed = gzip(with_drops("<", {9: pcapng_count(4, 1)}))
    keep("drops.pcapng.gz", packed, NO_EVIDENCE, "states dropped packets, packed", any_loss=OK, ledger=ledger(c))


def contradictions():
    """Two conversations between the same addresses, and bytes that are sent again as others."""
    one, two = Conversation(), Conversation(isn=(900000, 7000000))
    for c in (one, two):
        c.open()
        c.exchange(talk())
        c.close()
    packets = [p for pair in zip(one.packets, two.packets) for p in pair]
    keep("merged.pcap", pcap(packets), NO_EVIDENCE, "two conversations with the same addresses, intertwined", any_loss=OK,
         ledger={"duplicate": 0, "not_mcbp": 0, "total": sum(len(s) for c in (one, two) for s in c.sent)})
    c = started()
    for asked, answered in talk():
        c.client(asked)
        c.server(answered)
    again = talk()[0][0].replace(b"0", b"X")
    c.segment(CLIENT, 0, again)
    c.close()
    keep("other-bytes-again.pcap", pcap(c.packets), NO_EVIDENCE,
         "a request is sent again as another one, and no checksum is wrong", any_loss=OK,
         ledger=ledger(c, unparsed=len(again)))


def edited():
    """Somebody has changed a status in the file, so that the checksum is wrong; another client reads the key before the
    connection goes on."""
    packets = []
    ann = Conversation(packets=packets)
    bob = Conversation(client=("192.0.2.3", 40002), isn=(900000, 7000000), packets=packets)
    for c in (ann, bob):
        c.open()
    ann.exchange([stored(0, 1)])
    ann.client(store(SET, b"key:0", b"another", opaque=2))
    wrong = response(SET, status=ENOENT, cas=2, opaque=2)
    ann.segment(SERVER, len(ann.sent[SERVER]), wrong, spoilt=True)
    ann.skip(SERVER, wrong)
    bob.exchange([(request(GET, b"key:0", opaque=1), response(GET, extras=flags(), value=b"another", cas=2, opaque=1))])
    ann.exchange([stored(2, 3)])
    for c in (ann, bob):
        c.close()
    keep("edited-status.pcap", pcap(packets), DIFFERENT, "a status was changed, and the checksum not", field="header.status",
         ledger={"duplicate": 0, "unparsed": 0, "not_mcbp": 0, "total": sum(len(s) for c in (ann, bob) for s in c.sent),
                 "lost_bytes": 0})


def gzip(data, crc=None, kind=0):
    """Stored blocks only, so that no compressor's version shows. `kind` 3 is reserved: an error where it stands."""
    body = b""
    parts = [data[at:at + 500] for at in range(0, len(data), 500)]
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        head = last | (kind << 1 if i == 2 else 0)
        body += struct.pack("<BHH", head, len(part), len(part) ^ 0xFFFF) + part
    crc = zlib.crc32(data) if crc is None else crc
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + struct.pack("<II", crc, len(data))


def zstd(data, kind=0):
    """Raw blocks in one frame without content size and checksum. `kind` 3 is reserved."""
    body = b""
    parts = [data[at:at + 500] for at in range(0, len(data), 500)]
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        head = last | (kind << 1 if i == 2 else 0) | len(part) << 3
        body += struct.pack("<I", head)[:3] + part
    return b"\x28\xb5\x2f\xfd\0\x50" + body


def compressed():
    c = talked()
    data = pcap(c.packets)
    keep("whole.pcap.gz", gzip(data), OK, "nothing wrong: what the damaged ones were made from", ledger=ledger(c))
    keep("whole.pcap.zst", zstd(data), OK, "nothing wrong: what the damaged ones were made from", ledger=ledger(c))
    cut = dict(any_loss=OK, ledger={"unparsed": 0, "not_mcbp": 0, "duplicate": 0, "lost_bytes": ">0"})
    keep("cut.pcap.gz", gzip(data)[:1210], NO_EVIDENCE, "the compressed file ends early", **cut)
    keep("cut.pcap.zst", zstd(data)[:1210], NO_EVIDENCE, "the compressed file ends early", **cut)
    keep("block.pcap.gz", gzip(data, kind=3), UNREADABLE, "a deflate block of a kind that does not exist")
    keep("checksum.pcap.gz", gzip(data, crc=zlib.crc32(data) ^ 1), UNREADABLE, "the checksum at the end is wrong")
    keep("block.pcap.zst", zstd(data, kind=3), UNREADABLE, "a zstd block of a kind that does not exist")
    keep("empty.pcap.gz", gzip(b"\0")[:10] + struct.pack("<BHHII", 1, 0, 0xFFFF, 0, 0), UNREADABLE,
         "a good gzip file of nothing")


# --- packets with something missing -------------------------------------------------------------------------------

def cut_by_snap():
    c = talked()
    frames = [ethernet(p) for p in c.packets]
    headers = 14 + 20 + 20

    def with_cut(numbers, payload):
        return pcap_header() + b"".join(pcap_record(f, i, snap=headers + payload if i in numbers else 262144)
                                        for i, f in enumerate(frames))

    # Packets: three to open, then request and answer in turn; 3 + 2 * 3 + 1 is the answer to the second read.
    number = 3 + 2 * 3 + 1
    size = len(talk()[3][1])
    whole = len(c.sent[SERVER]) - size
    for name, kept in (("snap-header.pcap", 10), ("snap-value.pcap", 33)):
        keep(name, with_cut([number], kept), NO_EVIDENCE, "one answer cut to its first %d bytes" % kept, any_loss=OK,
             ledger=ledger(c, server=whole, unparsed=kept, lost=size - kept))
    segments = 2 * len(talk())
    both = len(c.sent[CLIENT]) + len(c.sent[SERVER])
    keep("snap-all.pcap", with_cut(range(len(frames)), 10), NO_EVIDENCE, "every segment cut to 10 bytes",
         ledger={"client_frames": 0, "server_frames": 0, "duplicate": 0, "total": 10 * segments,
                 "lost_bytes": both - 10 * segments})


def gaps():
    for side, name in ((CLIENT, "gap-client.pcap"), (SERVER, "gap-server.pcap")):
        c = started()
        missing = 0
        for i, pair in enumerate(talk(4)):
            for s in (CLIENT, SERVER):
                if i == 4 and s == side:  # the third SET or its answer
                    c.skip(s, pair[s])
                    missing = len(pair[s])
                else:
                    c.say(s, pair[s])
        c.close()
        sizes = {"client": len(c.sent[CLIENT]), "server": len(c.sent[SERVER])}
        sizes["server" if side else "client"] -= missing
        keep(name, pcap(c.packets), NO_EVIDENCE, "a segment with exactly one frame is missing", any_loss=OK,
             ledger=ledger(**sizes, lost=missing))

    # A pipeline whose segments are not frames: the gap begins in one frame and ends in another.
    pairs = [stored(i, i + 1) for i in range(6)] + [read(i, i + 11) for i in range(6)]
    asked, answered = [p[0] for p in pairs], [p[1] for p in pairs]

    def hole(frames, first, inside, last, until):
        """Bytes [inside of frame `first`, until of frame `last`) are missing: what is left, lost, unparsed."""
        at = [sum(map(len, frames[:i])) for i in range(len(frames) + 1)]
        start, end = at[first] + inside, at[last] + until
        return start, end, inside + len(frames[last]) - until, at[first] + at[-1] - at[last + 1]

    cases = [
        ("gap-client-middle.pcap", CLIENT, (2, 12, 3, 40), "from one request's header into the next one's value"),
        ("gap-client-value.pcap", CLIENT, (2, 40, 2, 44), "4 bytes of one request's value"),
        ("gap-server-middle.pcap", SERVER, (7, 11, 9, 30), "from one answer's header into the value of another"),
        ("gap-server-value.pcap", SERVER, (8, 30, 8, 36), "6 bytes of one answer's value"),
        ("gap-server-header.pcap", SERVER, (8, 3, 8, 20), "most of one answer's header"),
    ]
    for name, side, where, what in cases:
        start, end, unparsed, left = hole(answered if side else asked, *where)
        c = started()
        for s, data in ((CLIENT, b"".join(asked)), (SERVER, b"".join(answered))):
            if s == side:
                c.say(s, data[:start])
                c.skip(s, data[start:end])
                c.say(s, data[end:])
            else:
                c.say(s, data)
        c.close()
        sizes = {"client": len(c.sent[CLIENT]), "server": len(c.sent[SERVER])}
        sizes["server" if side else "client"] = left
        keep(name, pcap(c.packets), NO_EVIDENCE, "missing: " + what, any_loss=OK,
             ledger=ledger(**sizes, unparsed=unparsed, lost=end - start))

    # A fragment that never came: its segment is missing.
    c = started()
    big = store(SET, b"key:0", b"v" * 1000, opaque=1)
    c.client(big)
    lost_packet = len(c.packets) - 1
    c.server(response(SET, cas=1, opaque=1))
    c.exchange([(store(SET, b"key:1", b"next", opaque=2), response(SET, cas=2, opaque=2)),
                (request(NOOP, opaque=3), response(NOOP, opaque=3))])
    c.close()
    parts = fragments4(c.packets[lost_packet], [256, 256], 7)
    packets = c.packets[:lost_packet] + [parts[0], parts[2]] + c.packets[lost_packet + 1:]
    keep("fragment-missing.pcap", pcap(packets), NO_EVIDENCE, "one of three IPv4 fragments is missing", any_loss=OK,
         ledger={"client_frames": len(c.sent[CLIENT]) - len(big), "server_frames": len(c.sent[SERVER]),
                 "not_mcbp": 0, "lost_bytes": ">0"})

    # UDP: one datagram of an answer in four.
    c = Conversation()
    value = b"u" * 4600
    c.datagram(CLIENT, struct.pack("!HHHH", 1, 0, 1, 0) + request(GET, b"big", opaque=1))
    answer = response(GET, extras=flags(), value=value, cas=5, opaque=1)
    parts = [answer[at:at + 1392] for at in range(0, len(answer), 1392)]
    arrived = 0
    for i, part in enumerate(parts):
        if i != 2:
            c.datagram(SERVER, struct.pack("!HHHH", 1, i, len(parts), 0) + part)
            arrived += 8 + len(part)
    c.datagram(CLIENT, struct.pack("!HHHH", 2, 0, 1, 0) + request(NOOP, opaque=2))
    c.datagram(SERVER, struct.pack("!HHHH", 2, 0, 1, 0) + response(NOOP, opaque=2))
    keep("datagram-missing.pcap", pcap(c.packets), NO_EVIDENCE, "one of four datagrams of an answer is missing",
         any_loss=OK, ledger=ledger(c, server=8 + 24, unparsed=arrived, lost=">0"))


def datagram_headers():
    """Headers of UDP datagrams that belong to no message: beyond its end, of none, of too many, cut off."""
    alone = Conversation(client=("192.0.2.7", 40007))
    alone.datagram(CLIENT, struct.pack("!HHHH", 0x102, 0xFFFF, 0x100, 0))
    c = Conversation()
    c.datagram(CLIENT, struct.pack("!HHHH", 1, 0, 1, 0) + request(NOOP, opaque=1))
    c.datagram(SERVER, struct.pack("!HHHH", 1, 0, 1, 0) + response(NOOP, opaque=1))
    before = len(c.sent[CLIENT]), len(c.sent[SERVER])
    for header in ((9, 2, 2, 0), (9, 0xFFFF, 2, 0), (9, 1, 0, 0), (9, 0, 1025, 0)):
        for side in (CLIENT, SERVER):
            c.datagram(side, struct.pack("!HHHH", *header))
    c.datagram(CLIENT, struct.pack("!HHH", 9, 0, 1))
    c.datagram(SERVER, struct.pack("!HHHH", 9, 2, 2, 0) + b"behind the last datagram")
    unparsed = len(c.sent[CLIENT]) + len(c.sent[SERVER]) - sum(before)
    c.datagram(CLIENT, struct.pack("!HHHH", 2, 0, 1, 0) + request(NOOP, opaque=2))
    c.datagram(SERVER, struct.pack("!HHHH", 2, 0, 1, 0) + response(NOOP, opaque=2))
    keep("datagram-headers.pcap", pcap(alone.packets + c.packets), OK, "datagrams that are part of no message",
         ledger=ledger(client=2 * before[0], server=2 * before[1], unparsed=unparsed, not_mcbp=8))


def beginnings_and_ends():
    # The recording began while a value was on its way to the server.
    c = Conversation()
    asked, answered = store(SET, b"early", b"a value of which only the end was recorded", opaque=1), \
        response(SET, cas=1, opaque=1)
    c.skip(CLIENT, asked[:50])
    c.client(asked[50:])
    c.server(answered)
    c.exchange([stored(i, i + 2) for i in range(1, 4)] + [read(i, i + 10) for i in range(1, 4)])
    c.close()
    keep("midstream-client.pcap", pcap(c.packets), OK, "begins inside a request's value",
         ledger=ledger(c, client=len(c.sent[CLIENT]) - len(asked), unparsed=len(asked) - 50))
    c = Conversation()
    asked, answered = read(0, 1)
    c.skip(CLIENT, asked)
    c.skip(SERVER, answered[:31])
    c.server(answered[31:])
    c.exchange([stored(i, i + 2) for i in range(1, 4)] + [read(i, i + 10) for i in range(1, 4)])
    c.close()
    keep("midstream-server.pcap", pcap(c.packets), OK, "begins inside an answer's value",
         ledger=ledger(client=len(c.sent[CLIENT]) - len(asked), server=len(c.sent[SERVER]) - len(answered),
                       unparsed=len(answered) - 31))
    c = talked(finish=False)
    tail = store(SET, b"key:9", b"this request is not whole", opaque=99)[:45]
    c.client(tail)
    keep("tail-client.pcap", pcap(c.packets), OK, "ends inside a request",
         ledger=ledger(c, client=len(c.sent[CLIENT]) - len(tail), unparsed=len(tail)))
    c = talked(finish=False)
    asked, answered = read(2, 99)
    c.client(asked)
    c.server(answered[:30])
    keep("tail-server.pcap", pcap(c.packets), OK, "ends inside an answer",
         ledger=ledger(c, server=len(c.sent[SERVER]) - 30, unparsed=30))
    c = talked(finish=False)
    c.client(asked)
    c.server(answered[:10])
    c.close()
    keep("tail-header.pcap", pcap(c.packets), DIFFERENT, "the connection ends inside an answer's header",
         field="header", ledger=ledger(c, server=len(c.sent[SERVER]) - 10, unparsed=10))


# --- frames with something wrong ----------------------------------------------------------------------------------

def bad_frames():
    """Server bytes that are no frame: counted as not parsed, and the next frame is found."""
    good = read(1, 4)[1]
    length = "header.total_body_length"
    for name, data, field, what in [
        ("body-length.pcap", good[:8] + struct.pack("!I", 0x7FFFFFFF) + good[12:], length,
         "a body of 2 GiB is announced"),
        ("key-over-body.pcap", good[:2] + struct.pack("!H", 40) + good[4:], length,
         "key and extras longer than the body"),
        ("server-magic.pcap", b"\x42" + good[1:], "header.magic", "an answer with another magic"),
    ]:
        c = started()
        for i, (asked, answered) in enumerate(talk()):
            c.client(asked)
            c.server(data if i == 3 else answered)
        c.close()
        keep(name, pcap(c.packets), DIFFERENT, what + ": that request has no answer", field=field,
             ledger=ledger(c, server=len(c.sent[SERVER]) - len(data), unparsed=len(data)))


def wrong_answers():
    def changed(name, pairs, field, what):
        c = talked(pairs)
        keep(name, pcap(c.packets), DIFFERENT, what, field=field, ledger=ledger(c))

    def flip(data, at, bit=1):
        return data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]

    def with_answer(number, change, rounds=3):
        pairs = talk(rounds)
        asked, answered = pairs[number]
        pairs[number] = (asked, change(answered))
        return pairs

    changed("changed-value.pcap", with_answer(3, lambda d: flip(d, 24 + 4 + 6)), "value+6", "one bit of a value")
    changed("changed-value-end.pcap", with_answer(3, lambda d: flip(d, len(d) - 1)), "value+13", "the value's last bit")
    changed("changed-extras.pcap", with_answer(3, lambda d: flip(d, 24)), "extras", "one bit of the flags")
    changed("changed-cas.pcap", with_answer(3, lambda d: flip(d, 23, 0x40)), "header.cas",
            "not the CAS that the SET was given")
    changed("changed-datatype.pcap", with_answer(3, lambda d: flip(d, 5)), "header.datatype", "raw became JSON")
    changed("changed-opaque.pcap", with_answer(3, lambda d: flip(d, 12, 0x80)), "header.opaque",
            "an opaque that nobody sent")
    changed("changed-opcode.pcap", with_answer(3, lambda d: flip(d, 1)), "header.opcode", "a GET answered as a SET")
    changed("changed-status.pcap", with_answer(2, lambda d: error(SET, EEXISTS, opaque=3)), "header.status",
            "a SET that could not fail failed")
    changed("changed-status-bit.pcap", with_answer(3, lambda d: flip(d, 7)), "header.status",
            "a hit with the status of a miss")
    changed("changed-text.pcap",
            talk() + [(request(GET, b"none", opaque=50), response(GET, value=b"Not here!", status=ENOENT, opaque=50))],
            "value+4", "an error's text")
    changed("changed-key.pcap",
            talk() + [(request(GETK, b"key:1", opaque=50),
                       response(GETK, b"key:2", flags(), b"value number 1", cas=2, opaque=50))],
            "key+4", "the key of another item")
    changed("changed-number.pcap",
            [(arith(INCREMENT, b"n", 1, 10, opaque=1),
              response(INCREMENT, value=struct.pack("!Q", 10), cas=1, opaque=1)),
             (arith(INCREMENT, b"n", 5, 10, opaque=2),
              response(INCREMENT, value=struct.pack("!Q", 16), cas=2, opaque=2))],
            "value+7", "10 + 5 is not 16")
    changed("changed-length.pcap", with_answer(3, lambda d: d[:8] + struct.pack("!I", 4 + 13) + d[12:-1]),
            "header.total_body_length", "a value one byte short")
    changed("stale-value.pcap",
            [stored(0, 1), (store(SET, b"key:0", b"value number 1", opaque=2), response(SET, cas=2, opaque=2)),
             (read(0, 3)[0], response(GET, extras=flags(), value=b"value number 0", cas=2, opaque=3))],
            "value+13", "the value before the last SET")
    changed("miss-of-stored.pcap", talk() + [(request(GET, b"key:1", opaque=50), error(GET, ENOENT, opaque=50))],
            "header.status|header.extras_length", "a miss of what was stored (an eviction would explain it)")
    changed("hit-of-deleted.pcap",
            talk() + [(request(DELETE, b"key:1", opaque=50), response(DELETE, opaque=50)), read(1, 51)],
            "header.status|header.extras_length", "a hit of what was deleted")

    def silent(name, number, what):
        pairs = talk(4)
        pairs[number] = (pairs[number][0], None)
        changed(name, pairs, "missing", what)

    silent("missing.pcap", 3, "a GET that was never answered")
    silent("missing-set.pcap", 4, "a SET that was never answered; it took effect")
    pairs = talk(4)
    pairs[3] = (pairs[3][0], pairs[3][1] * 2)
    changed("extra.pcap", pairs, "extra", "an answer that came twice")
    changed("extra-quiet.pcap",
            talk() + [(store(SETQ, b"quiet", b"v", opaque=50) + request(NOOP, opaque=51),
                       response(SETQ, cas=9, opaque=50) + response(NOOP, opaque=51))],
            "extra", "a quiet SET that succeeded and was answered")
    changed("extra-quiet-miss.pcap",
            talk() + [(request(GETQ, b"none", opaque=50) + request(NOOP, opaque=51),
                       error(GETQ, ENOENT, opaque=50) + response(NOOP, opaque=51))],
            "extra", "a quiet miss that was answered")
    changed("missing-quiet.pcap",
            talk() + [(request(GETQ, b"key:1", opaque=50) + store(ADDQ, b"key:1", b"v", opaque=51)
                       + request(NOOP, opaque=52),
                       error(ADDQ, EEXISTS, opaque=51) + response(NOOP, opaque=52))],
            "missing", "a quiet hit that was not answered")


# --- no protocol of ours ------------------------------------------------------------------------------------------

def others():
    packets = []
    text = Conversation(packets=packets)
    text.open()
    text.exchange([(b"set key 0 0 5\r\nhello\r\n", b"STORED\r\n"),
                   (b"get key none\r\n", b"VALUE key 0 5\r\nhello\r\nEND\r\n"), (b"version\r\n", b"VERSION 1.6.18\r\n")])
    text.close()
    http = Conversation(client=("192.0.2.1", 40002), server=("192.0.2.2", 8080), packets=packets)
    http.open()
    http.exchange([(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")])
    http.close()
    tls = Conversation(client=("192.0.2.1", 40003), server=("192.0.2.2", 8443), packets=packets)
    tls.open()
    tls.exchange([(b"\x16\x03\x01\0\x40\x01\0\0\x3c\x03\x03" + b"c" * 58,
                   b"\x16\x03\x03\0\x30\x02\0\0\x2c\x03\x03" + b"s" * 42),
                  (b"\x17\x03\x03\0\x20" + b"\x80" * 32, b"\x17\x03\x03\0\x20" + b"\x81" * 32)])
    tls.close()
    amount = sum(len(c.sent[s]) for c in (text, http, tls) for s in (CLIENT, SERVER))
    keep("not-mcbp.pcap", pcap(packets), NO_EVIDENCE, "memcached text, HTTP and TLS only",
         ledger=ledger(client=0, server=0, not_mcbp=amount))
    c = started()
    c.close()
    keep("no-payload.pcap", pcap(c.packets), NO_EVIDENCE, "a connection on which nothing was said", ledger=ledger(c))
    c = started()
    c.client(request(NOOP, opaque=1), request(GET, b"key", opaque=2))
    keep("no-answers.pcap", pcap(c.packets), NO_EVIDENCE, "requests only, still unanswered at the end",
         ledger=ledger(c))

    # Between good packets some that are none: too short, of another version, with lengths that cannot be.
    c = started()
    c.exchange(talk())
    c.close()
    good = c.packets[4]

    def whole(packet):  # nothing is missing by the IP header's account
        return packet[:2] + struct.pack("!H", len(packet)) + packet[4:]

    junk = [good[:10], b"\x50" + good[1:], b"\x44" + good[1:], good[:2] + b"\0\x08" + good[4:], whole(good[:32]),
            good[:32] + b"\x10" + good[33:], whole(good[:32] + b"\xf0" + good[33:40]), b"", b"\x45",
            b"\x60" + b"\0" * 20, good[:9] + b"\x59" + good[10:]]  # the last one is OSPF
    packets = []
    for i, p in enumerate(c.packets):
        packets.append(p)
        if i < len(junk):
            packets.append(junk[i])
    frames = [b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\x00" + p for p in packets]
    frames[2:2] = [b"\x02\0\0", b"\xff" * 14, b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x81\x00\0"]
    keep("junk-packets.pcap", pcap_header() + b"".join(pcap_record(f, i) for i, f in enumerate(frames)), OK,
         "packets that are none between good ones",
         ledger={"client_frames": len(c.sent[CLIENT]), "server_frames": len(c.sent[SERVER])})


def main():
    not_captures()
    records()
    sections()
    dropped()
    contradictions()
    edited()
    compressed()
    cut_by_snap()
    gaps()
    datagram_headers()
    beginnings_and_ends()
    bad_frames()
    wrong_answers()
    others()
    with open(os.path.join(OUT, "expected.tsv"), "w") as f:
        f.write("\t".join(("file", "exit", "exit_any_loss", "field") + FIELDS + ("reason",)) + "\n")
        for line in sorted(EXPECTED):
            f.write(line + "\n")


main()
