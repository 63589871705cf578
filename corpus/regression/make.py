#!/usr/bin/env python3
"""Writes the named inputs for hazards that others had, and the texts beside them: make.py.

What fuzzing found here is not made but kept as it was found (minimised); those files have a text beside them too."""
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import mcbp  # noqa: E402
import packets  # noqa: E402

STREAM = bytes(8)                      # preamble of frame and execute: cuts of one byte each
WHOLE = b"\0\xff\xff\0\xff\xff\xff\xff"  # 1 MiB item size limit, cuts of 256 bytes


def put(target, name, text, data):
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    (folder / (name + ".txt")).write_text(text + "\n")


def both(name, text, data):
    """A stream for the parser and for the store."""
    put("frame", name, text, STREAM + data)
    put("execute", name, text, WHOLE + data)


def description(magic=0x81, framing=0, extras=0, key=0, value=0, kind=0, flags=0):
    """A response of fuzz/description.h."""
    return struct.pack("!BBBBHHHIIBBIQ", magic, 0, 0, flags, 0, framing, extras, key, value, kind, 0, 7, 1)


def responses(name, text, *descriptions, preamble=bytes(8)):
    put("response", name, text, preamble + b"".join(descriptions))
    put("oom", name, text, preamble[:4] + b"\0\2" + preamble[6:] + b"".join(descriptions))


def capture(name, text, data):
    put("savefile", name, text, data)
    put("verify", name, text, data)


def conversation(asked, answered):
    talk = packets.Conversation()
    talk.open()
    talk.client(asked)
    talk.server(answered)
    talk.close()
    return talk.packets


# --- frames -------------------------------------------------------------------------------------------------------

GET = mcbp.request(mcbp.GET, b"key")
both("body-over-int-max", "A total body length over INT_MAX, which memcached took for a negative number (229cf41be).",
     mcbp.request(mcbp.SET, b"key", bytes(8), b"value", body_length=0x80000010) + GET)
both("body-max", "The largest total body length there is.", mcbp.request(mcbp.SET, b"key", bytes(8), body_length=0xFFFFFFFF))
both("body-under-key-and-extras", "A body shorter than key and extras: the value's length would be negative.",
     mcbp.request(mcbp.SET, b"key", bytes(8), body_length=10) + GET)
both("body-under-key", "A body shorter than the key.", mcbp.request(mcbp.GET, b"key", body_length=2) + GET)
both("key-max", "A key of 65535 bytes that the body does not have.", mcbp.request(mcbp.GET, b"", key_length=65535) + GET)
both("framing-over-body", "Framing extras longer than the body.",
     mcbp.frame(mcbp.FLEX_REQUEST, mcbp.GET, b"key", framing=b"\x02ab", body_length=2) + GET)
both("framing-and-key-max", "Framing extras and key of 255 bytes each.",
     mcbp.frame(mcbp.FLEX_RESPONSE, mcbp.GET, b"k" * 255, framing=b"\xff\x00\xf0" + bytes(252)))
both("zero", "Zero-length everything: a NOOP, a GET without a key, a SET of nothing.",
     mcbp.request(mcbp.NOOP) + mcbp.request(mcbp.GET) + mcbp.store(mcbp.SET, b"", b"") + mcbp.store(mcbp.SET, b"k", b""))
both("header-cut", "A stream that ends within a header.", GET + GET[:23])
both("unknown-swallows", "memcached counts the extras and key of an unknown command twice.",
     mcbp.request(0x3A, b"key", b"extras", b"value") + GET + GET + GET)
both("touch-leaves-value", "memcached leaves the value of a TOUCH in the stream.",
     mcbp.request(mcbp.TOUCH, b"key", bytes(4), GET) + GET)
put("execute", "counter-wraps", "INCREMENT beyond 2^64, DECREMENT below 0, and a value one digit too long.", WHOLE
    + mcbp.store(mcbp.SET, b"n", b"18446744073709551615") + mcbp.arith(mcbp.INCREMENT, b"n")
    + mcbp.arith(mcbp.DECREMENT, b"n", 1 << 63) + mcbp.store(mcbp.SET, b"n", b"184467440737095516150")
    + mcbp.arith(mcbp.INCREMENT, b"n"))
put("execute", "append-over-limit", "APPENDs that grow an item over the item size limit.", b"\0\0\x40\0" + bytes(4)
    + mcbp.store(mcbp.SET, b"k", b"v" * 700) + mcbp.request(mcbp.APPEND, b"k", value=b"w" * 700) * 3)

# --- framing extras -----------------------------------------------------------------------------------------------

put("frameinfo", "four-infos", "Four frame infos take 12 bytes; a buffer was sized for three of them (9).",
    b"\1" + bytes.fromhex("020001 120002 220003 320004".replace(" ", "")))
put("frameinfo", "escape-cut", "An escape byte that is not there.", b"\0\xf2")
put("frameinfo", "both-escapes-cut", "The second escape byte is not there.", b"\0\xff\x00")
put("frameinfo", "longest", "The largest id and length: they end exactly with the extras.", b"\1\xff\xff\xff" + bytes(270))
put("frameinfo", "one-byte-short", "A value one byte longer than what is there.", b"\0\x03ab")

# --- subdocument operations ---------------------------------------------------------------------------------------

def subdoc(name, text, document, *operations):
    """Operations are (number in fuzz_subdoc.c times 2, and 1 for parents; path; value)."""
    put("subdoc", name, text, b"".join(struct.pack("!BBH", kind, len(path), len(value)) + path + value
                                       for kind, path, value in ((0, b"", document), *operations)))


subdoc("comma-of-a-deleted-member", "First, middle and last members are deleted, with the comma that is theirs.",
       b'{ "a" : 1 , "b":2 , "c" : 3 }', (10, b"b", b""), (10, b"c", b""), (10, b"a", b""))
subdoc("comma-in-a-string", "A comma within a value, before and behind what is deleted.", b'["a,b", 1 ,"c,d"]',
       (10, b"[1]", b""), (10, b"[-1]", b""))
subdoc("blanks-of-the-outermost-array", "Blanks around its closing bracket go when something is pushed to it.",
       b"[1 ] \n", (14, b"", b"2"), (16, b"", b"0"))
subdoc("empty-array", "Elements for arrays that have none but blanks, from each end and once.", b'{"a":[ ],"b":[],"c":[\n]}',
       (14, b"a", b"1"), (16, b"b", b"1,2"), (20, b"c", b'"x"'))
subdoc("literal-to-the-end", "A document that is a number and nothing else: it ends where the number does.", b"12345",
       (0, b"a", b""), (4, b"", b""), (22, b"[-1]", b"1"))
subdoc("deepest", "32 levels, and one too many.", b"[" * 32 + b"]" * 32, (0, b"[1]", b""), (14, b"[0]" * 31, b"1"),
       (24, b"", b"[" * 33 + b"]" * 33), (0, b"[1]", b""))
subdoc("counter-at-its-limits", "The sum is one more than 64 bits have.", b'{"a":9223372036854775807}',
       (22, b"a", b"1"), (22, b"a", b"-1"), (22, b"a", b"2"))
subdoc("parents", "Names that are not there become objects, inside of one that is.", b'{"x":{}}',
       (9, b"x.a.b", b"1"), (15, b"y.`a.b`", b"1,2"), (23, b"z.n", b"5"))
subdoc("surrogates", "Keys with halves of a surrogate pair.", b'{"\\ud83d":1,"\\ud83d\\ude00":2,"\\u0000":3}',
       (0, b"\xf0\x9f\x98\x80", b""), (0, b"a", b""))

# --- responses ----------------------------------------------------------------------------------------------------

responses("key-over-255-flex", "A key over 255 bytes with framing extras: its length was narrowed to 8 bits upstream.",
          description(0x18, framing=3, key=256), description(0x18, framing=3, key=255, flags=2))
responses("four-frame-infos", "Room for three frame infos, and four come.", description(0x18, framing=12, extras=4, value=28))
responses("sum-wraps", "A value so long that the sum over the parts wraps.", description(key=3, extras=4, value=0, kind=0xF8),
          description(flags=2), description(value=30, kind=0xF8, flags=2))
responses("body-over-32-bits", "A body of 2^32 bytes.", description(extras=255, key=65535, kind=0xF0))
responses("impossible-in-batch", "The last of a batch is impossible: nothing of it may be written.", description(value=100),
          description(value=100), description(extras=256))
for room, name in ((23, "one-byte-less"), (24, "just"), (25, "one-byte-more")):
    responses("header-in-tail-" + name, "The chunk's tail has room for a header, and one byte less or more.",
              description(value=64), preamble=b"\1\0" + struct.pack("!H", room) + bytes(4))
responses("second-extent", "A value across both extents: the bound was checked with the wrong sign upstream.",
          description(extras=4, key=10, value=4048), preamble=b"\1\0\0\x20" + bytes(4))
responses("exactly-full", "The last chunk is exactly full; reserving no bytes then aborts (libevent 1440).",
          description(value=952), description(flags=2), description(value=1, flags=2))
responses("references", "Values sent by reference, between others that are copied.", description(value=20, flags=1),
          description(value=5), description(value=40000, flags=1), preamble=b"\2\1" + bytes(6))
put("chunks", "abandoned-twice", "Two reservations that nobody commits; then a response.",
    b"\0\0" + bytes(6) + b"\5\1\1\0\0\0\0\0" * 2 + b"\x08\0\0\x64\0\0\0\0" * 3)
put("chunks", "frozen", "A response into a buffer that is frozen at its end.",
    b"\1\x10" + bytes(6) + b"\3\1\0\0\0\0\0\0" + b"".join(bytes([8, i, 0, 100, 0, 0, 0, 0]) for i in range(4)))
put("chunks", "add-while-reserved", "Somebody adds a byte between reserve and commit.",
    b"\1\x10" + bytes(6) + b"\5\1\1\0\0\0\0\0" + b"\0\0\0\1\0\0\0\0" + b"\6\1\0\x40\0\0\0\0")
put("chunks", "drain-while-reserved", "Everything is drained between reserve and commit.",
    b"\1\x10" + bytes(6) + b"\5\1\1\0\0\0\0\0" + b"\2\0\0\0\0\0\0\0" + b"\6\1\0\x40\0\0\0\0")

# --- packets and captures -----------------------------------------------------------------------------------------

EXCHANGE = conversation(GET, mcbp.response(mcbp.GET, extras=bytes(4), value=b"value"))
ASKED = packets.ethernet(EXCHANGE[3])


def packet(data, captured=None, link=0, part=128):
    kept = data if captured is None else data[:captured]
    return struct.pack("!BBHH", link, part, len(kept), len(data) - len(kept)) + kept


for at, name in ((13, "link"), (33, "ip"), (47, "tcp")):
    put("decode", f"snap-in-{name}-header", "A snap length that cuts within a header.", packet(ASKED, at))
put("decode", "ip-length-over-packet", "An IP header that says more than was sent.",
    packet(ASKED[:16] + b"\xff\xff" + ASKED[18:]))
put("decode", "ip-length-under-header", "An IP length shorter than the IP header.", packet(ASKED[:16] + b"\0\x13" + ASKED[18:]))
put("decode", "tcp-offset-over-packet", "A TCP header longer than the packet.", packet(ASKED[:46] + b"\xf0" + ASKED[47:]))
put("decode", "vlan-cut", "A VLAN tag that is cut.", packet(ASKED[:12] + b"\x81\0\0\1", 15))
put("decode", "fragments-beyond-64k", "A fragment whose end is over 65535 bytes.",
    packet(ASKED[:20] + b"\x1f\xff" + ASKED[22:]))
capture("snap-in-frame-header", "A snap length that cuts within an MCBP header.", packets.pcap(EXCHANGE, snap=60))
capture("record-length-max", "A record of 2^32 - 1 bytes.", packets.pcap_header() + packets.pcap_record(ASKED, 0, captured=0xFFFFFFFF))
capture("record-length-zero", "Records without a byte.", packets.pcap_header() + packets.pcap_record(b"", 0) * 3)
capture("file-behind-file", "The header of a second file where a packet's should be (cat a.pcap b.pcap).",
        packets.pcap_header() + packets.pcap_record(b"", 0) + packets.pcap_header(order=">", nano=True))
SECTION = packets.pcapng_section() + packets.pcapng_interface()
for lie in (0, 4, 11, 13, 0x7FFFFFFF, 0xFFFFFFFF):
    capture(f"block-length-{lie:x}", "A pcapng block whose length lies.", SECTION + packets.pcapng_packet(ASKED, 0, length=lie))
capture("block-trailer", "The two lengths of a pcapng block differ.", SECTION + packets.pcapng_packet(ASKED, 0, trailer=16))
capture("body-over-int-max", "A total body length over INT_MAX in both directions.",
        packets.pcap(conversation(mcbp.request(mcbp.SET, b"k", bytes(8), body_length=0x80000010),
                                  mcbp.response(mcbp.SET, body_length=0x80000010))))
capture("body-under-key", "Bodies shorter than their keys.",
        packets.pcap(conversation(mcbp.request(mcbp.GET, b"key", body_length=2), mcbp.response(mcbp.GETK, b"key", body_length=2))))

# --- segments -----------------------------------------------------------------------------------------------------


def segment(flags, size, offset, seen=0, cut=0):
    return struct.pack("!BBHHBB", flags, size, offset, seen, cut, 0)


put("reassembly", "overlap-differs", "Bytes that come twice and differ: the first ones stay.",
    b"\2\0" + bytes(6) + segment(0, 20, 10) + segment(2, 30, 5) + segment(0, 10, 0))
put("reassembly", "wrap", "Sequence numbers that wrap within a segment.",
    b"\0\0\0\x14\0\x05\0\0" + segment(0, 30, 10) + segment(1, 30, 0, 40) + segment(0, 10, 0))
put("reassembly", "rst-behind-fin", "An RST beyond the FIN was taken to wait for bytes between them (found here).",
    b"\1\xff" + bytes(6) + segment(0x09, 0, 2560) + segment(0x05, 3, 0) + segment(0, 0, 0) * 70)
put("reassembly", "cut-and-hole", "A snap length and a hole in the same place.",
    b"\0\0" + bytes(6) + segment(0, 20, 0, cut=10) + segment(0, 20, 40) + segment(1, 1, 0, 60))

# --- masks --------------------------------------------------------------------------------------------------------

for number, text in enumerate(("*:cas", "GET:frame-info[270]", "GET:frame-info[271]", "0x3a:value", "getq:extras", ":",
                               "GET:frame-info[ 1]", "GET:frame-info[+1]", "GET:frame-info[1", "GET:cas:cas", "0x:cas")):
    put("mask", f"mask-{number:02}", "The mask as it stands there.", text.encode())

# --- anonymise and inspect ----------------------------------------------------------------------------------------

BEYOND = packets.Conversation()
BEYOND.datagram(packets.CLIENT, struct.pack("!HHHH", 0x102, 0xFFFF, 0x100, 0))
put("anonymise", "datagram-beyond-its-message", "A UDP header whose sequence number is over its count, which became an index.",
    packets.pcap(BEYOND.packets))

AGAIN = packets.Conversation()
FIRST = mcbp.response(mcbp.GET, extras=bytes(4), value=b"first" * 20)
SECOND = mcbp.response(mcbp.GET, extras=bytes(4), value=b"second" * 30)
AGAIN.datagram(packets.CLIENT, struct.pack("!HHHH", 7, 0, 1, 0) + mcbp.request(mcbp.GET, b"key"))
AGAIN.datagram(packets.SERVER, struct.pack("!HHHH", 7, 0, 2, 0) + FIRST[:50])
AGAIN.datagram(packets.CLIENT, struct.pack("!HHHH", 7, 0, 1, 0) + mcbp.request(mcbp.GET, b"key"))
AGAIN.datagram(packets.SERVER, struct.pack("!HHHH", 7, 0, 2, 0) + SECOND[:60])
AGAIN.datagram(packets.SERVER, struct.pack("!HHHH", 7, 1, 2, 0) + SECOND[60:])
put("anonymise", "request-id-used-again",
    "Datagrams of an answer that its client has given up, which were taken for the next one's.",
    packets.pcap(AGAIN.packets))

LYING_ANSWER = mcbp.response(mcbp.INCREMENT, value=bytes(8), opaque=77, key_length=0xFF00)
for NAME, LIE in (("bad-lengths", {"key_length": 41}), ("too-large", {"body_length": 0x7FFFFFFF})):
    put("anonymise", f"echo-of-{NAME}",
        "Neither side begins with a frame; that the answer has the request's opcode and opaque tells that it is MCBP.",
        packets.pcap(conversation(mcbp.request(mcbp.INCREMENT, b"n", extras=bytes(20), opaque=77, **LIE), LYING_ANSWER)))

# --- couchbase ----------------------------------------------------------------------------------------------------

LOGGED_IN = b"\xff" * 6 + b"\1\0"  # all features, a second between requests, no limit of memory
put("couchbase", "compressed-claims-4-gib", "A Snappy value that claims to be 4 GiB long.",
    LOGGED_IN + mcbp.request(mcbp.SET, b"\0k", extras=bytes(8), value=b"\xff\xff\xff\xff\x0f\0x", datatype=2))
put("couchbase", "path-beyond-value", "A subdocument path that is longer than the value that has it.",
    LOGGED_IN + mcbp.request(0xC5, b"\0k", extras=b"\xff\xff\0", value=b"a"))
put("couchbase", "observed-key-beyond", "OBSERVE of a key that is longer than the value that has it.",
    LOGGED_IN + mcbp.request(0x92, value=b"\0\0\0\xffk"))

for TARGET in ("anonymise", "inspect"):
    put(TARGET, "credentials", "SASL in both directions: nothing of it may survive, or be printed.",
        packets.pcap(conversation(mcbp.request(mcbp.SASL_AUTH, b"PLAIN", value=b"\0user\0opensesame"),
                                  mcbp.response(mcbp.SASL_AUTH, value=b"r=opensesame", status=0x21))))
