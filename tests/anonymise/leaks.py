#!/usr/bin/python3
"""What anonymise may keep and what it may not, place by place: options of pcapng, extras, framing extras, statistics,
credentials. Each test says one thing in a capture of its own, and looks for it in the result.

usage: leaks.py KVREPLAY CORPUS
"""
import os
import struct
import subprocess
import sys

KVREPLAY, CORPUS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path[0] = CORPUS
import tempfile  # noqa: E402
import unittest  # noqa: E402
from mcbp import *  # noqa: E402,F403
from packets import *  # noqa: E402,F403

SECRET = b"WHAT-NOBODY-MAY-SEE"


def anonymised(data):
    with tempfile.TemporaryDirectory() as folder:
        before, after = os.path.join(folder, "before"), os.path.join(folder, "after")
        with open(before, "wb") as f:
            f.write(data)
        subprocess.run([KVREPLAY, "anonymise", "-q", before, "-o", after], check=True)
        with open(after, "rb") as f:
            return f.read()


def exchanged(*pairs):
    """The capture of one connection, anonymised."""
    c = Conversation()
    c.open()
    c.exchange(pairs)
    c.close()
    return anonymised(pcap(c.packets))


def flexible(opcode, infos, key=b"k"):
    """A request with framing extras: pairs of an id and data."""
    framing = b""
    for number, data in infos:
        assert len(data) < 15
        framing += bytes([min(number, 15) << 4 | len(data)]) + (bytes([number - 15]) if number >= 15 else b"") + data
    return frame(FLEX_REQUEST, opcode, key, framing=framing)


def option(order, code, data):
    return struct.pack(order + "HH", code, len(data)) + data + bytes(-len(data) % 4)


def block(order, kind, body, *options):
    body += b"".join(options) + (option(order, 0, b"") if options else b"")
    size = 12 + len(body)
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def file_with(order, kind, options):
    """A pcapng file in which the block of that kind has the options."""
    def of(number):
        return options if kind == number else ()
    packet = ethernet(Conversation().wrap(CLIENT, 59, b""))
    packet += bytes(-len(packet) % 4)
    record = option(order, 1, address("192.0.2.1") + b"host.example\0")
    return (block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), *of(0x0A0D0D0A))
            + block(order, 1, struct.pack(order + "HHI", 1, 0, 65535), *of(1))
            + block(order, 4, record + option(order, 9, SECRET) + option(order, 0, b""), *of(4))
            + block(order, 6, struct.pack(order + "IIIII", 0, 0, 0, len(packet), len(packet)) + packet, *of(6))
            + block(order, 5, struct.pack(order + "III", 0, 0, 0), *of(5)))


class Pcapng(unittest.TestCase):
    OWN = {0x0A0D0D0A: (4, b"an application"), 1: (9, b"\x06"), 4: (2, b"dns.example"), 5: (5, bytes(8)),
           6: (4, struct.pack("<Q", 0x0102030405060708))}

    def test_options_that_are_not_pcapngs_own_are_emptied_in_every_block(self):
        for order in "<>":
            for kind, (code, value) in self.OWN.items():
                for unknown in (2988, 2989, 19372, 0x7777, 0xFFFF):
                    made = file_with(order, kind, (option(order, unknown, SECRET), option(order, code, value),
                                                   option(order, 1, b"a comment")))
                    result = anonymised(made)
                    self.assertNotIn(SECRET[:8], result, (order, kind, unknown))
                    self.assertIn(option(order, code, value), result, "an option of its own behind it is still there")
                    self.assertIn(b"a comment", result)
                    self.assertIn(b"host.example", result)

    def test_own_options_of_the_wrong_size_are_emptied(self):
        for kind, code in ((1, 4), (1, 9), (5, 4), (6, 2), (6, 4), (6, 8)):
            made = file_with("<", kind, (option("<", 1, b"c"), option("<", code, SECRET)))
            if (kind, code) != (1, 9):  # libpcap reads that one, and refuses the file
                self.assertNotIn(SECRET[:8], anonymised(made), (kind, code))

    def test_what_is_behind_the_last_option_is_emptied(self):
        for kind in self.OWN:
            made = file_with("<", kind, (option("<", 1, b"c"), option("<", 0, b""), SECRET + b"!"))
            self.assertNotIn(SECRET[:8], anonymised(made), kind)

    def test_options_of_one_block_are_unknown_in_another(self):
        self.assertNotIn(SECRET, anonymised(file_with("<", 6, (option("<", 11, SECRET),))), "if_filter of a packet")
        self.assertNotIn(SECRET, anonymised(file_with("<", 5, (option("<", 12, SECRET),))), "if_os of statistics")


class Frames(unittest.TestCase):
    def test_extras_longer_than_their_opcode_has_are_replaced(self):
        longer = (SECRET + bytes(60))[:40]
        for opcode in (GET, GETQ, GETK, GETKQ, GAT, GATQ, TOUCH):
            self.assertNotIn(SECRET, exchanged((request(opcode, b"k"), response(opcode, extras=longer, value=b"v"))))
            self.assertNotIn(SECRET[:5], exchanged((request(opcode, b"k"), response(opcode, extras=SECRET[:5]))))
        for opcode in (SET, ADDQ, REPLACE, APPEND, PREPENDQ, DELETE, FLUSH, NOOP, VERSION, QUIT, 0xFE):
            self.assertNotIn(SECRET, exchanged((request(opcode, b"k", longer), response(opcode))))
        self.assertNotIn(SECRET, exchanged((request(INCREMENT, b"k", longer), response(INCREMENT, value=bytes(8)))))

    def test_extras_of_the_right_size_are_kept(self):
        flags = bytes.fromhex("a1b2c3d4")
        self.assertIn(flags, exchanged((request(GET, b"k"), response(GET, extras=flags, value=b"v"))))
        self.assertIn(flags + bytes(4), exchanged((request(SET, b"k", flags + bytes(4), b"v"), response(SET))))

    def test_framing_extras_are_kept_only_if_they_are_numbers_of_the_protocol(self):
        for number in (3, 4, 6, 7, 14, 15, 16, 200):
            self.assertNotIn(b"bob", exchanged((flexible(GET, [(number, b"bob")]), response(GET))), number)
        for number in (0, 1, 2, 5):
            self.assertIn(b"\x01\x0a\x0b", exchanged((flexible(GET, [(number, b"\x01\x0a\x0b")]), response(GET))), number)
            self.assertNotIn(SECRET[:8], exchanged((flexible(GET, [(number, SECRET[:8])]), response(GET))), number)

    def test_hello_keeps_the_features_and_not_the_name_of_the_client(self):
        features = bytes.fromhex("0002 0003 000e 0020")
        result = exchanged((request(HELLO, SECRET, value=features), response(HELLO, value=features[2:])))
        self.assertEqual(result.count(features[2:]), 2)
        self.assertNotIn(SECRET[:8], result)
        self.assertNotIn(b"\0A\0B\0C\0D", exchanged((request(HELLO, b"", value=b"\0A\0B\0C\0D"), response(HELLO))))


class Statistics(unittest.TestCase):
    def kept(self, group, name, value):
        result = exchanged((request(STAT, group), response(STAT, name, value=value)), (None, response(STAT)))
        return name in result, value in result

    def test_of_memcached_are_kept(self):
        for group, name, value in ((b"", b"curr_connections", b"123456"), (b"", b"rusage_user", b"12.345678"),
                                   (b"settings", b"evictions", b"on"), (b"items", b"items:12:number_hot", b"77777"),
                                   (b"slabs", b"12:chunks_per_page", b"10922"), (b"sizes", b"4096000", b"98765")):
            self.assertEqual(self.kept(group, name, value), (True, True), name)

    def test_of_others_are_replaced_whatever_they_look_like(self):
        for name in (b"vb_active_curr_items", b"customer_of_the_month", b"4111111111111111", b"items:1:customer",
                     b"1:customer", b"pid2222222", b"curr_items ", b"4096000", b":number_hot", b"uptime curr_items"):
            self.assertEqual(self.kept(b"", name, b"4999888877776666"), (False, False), name)

    def test_with_a_size_for_a_name_are_those_of_sizes(self):
        for name in (b"4096001", b"99999999999968", b"2147483648"):
            self.assertEqual(self.kept(b"sizes", name, b"98765432"), (False, False), name)

    def test_of_an_unknown_group_are_replaced(self):
        self.assertEqual(self.kept(b"customers", b"curr_connections", b"12345678"), (False, False))

    def test_with_a_text_for_a_value_keep_the_name(self):
        self.assertEqual(self.kept(b"settings", b"domain_socket", b"/home/" + SECRET), (True, False))


class Credentials(unittest.TestCase):
    def test_of_no_mechanism_survive(self):
        secrets = b"\0user-of-mine\0pass-of-mine"
        for mechanism in (b"PLAIN", b"CRAM-MD5", b"SCRAM-SHA512", b"OAUTHBEARER", b"X-UNKNOWN-MECHANISM"):
            for opcode in (SASL_AUTH, SASL_STEP):
                for magic in (REQUEST, FLEX_REQUEST):
                    result = exchanged((frame(magic, opcode, mechanism, value=secrets),
                                        response(opcode, value=b"challenge-of-mine", status=0x21)))
                    for said in (b"-of-mine", b"X-UNKNOWN"):
                        self.assertNotIn(said, result, (mechanism, opcode, magic))
                    self.assertEqual(mechanism in result, mechanism != b"X-UNKNOWN-MECHANISM")

    def test_that_are_equal_do_not_look_so(self):
        asked = request(SASL_AUTH, b"PLAIN", value=b"\0user-of-mine\0pass-of-mine")
        result = exchanged((asked, response(SASL_AUTH)), (asked, response(SASL_AUTH)))
        at = result.find(b"PLAIN") + 5
        again = result.find(b"PLAIN", at) + 5
        self.assertNotEqual(result[at:at + 26], result[again:again + 26])

    def test_spelled_wrongly_do_not_survive(self):
        for said in (request(SASL_AUTH, b"", value=SECRET), request(SASL_AUTH, SECRET), request(SASL_STEP, SECRET, SECRET),
                     frame(REQUEST, SASL_AUTH, b"PLAIN", value=SECRET, key_length=200)):
            self.assertNotIn(SECRET[:8], exchanged((said, response(SASL_AUTH, status=0x20, value=SECRET))))


unittest.main(argv=sys.argv[:1])
