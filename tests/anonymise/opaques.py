#!/usr/bin/python3
"""Clients that use an opaque again, so that opcode and opaque don't say which request is answered: a value becomes the same
whoever's it is, and verify comes to the same result. Each test makes a capture of its own.

usage: opaques.py KVREPLAY CORPUS
"""
import json
import os
import subprocess
import sys

KVREPLAY, CORPUS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path[0] = CORPUS
import tempfile  # noqa: E402
import unittest  # noqa: E402
from mcbp import *  # noqa: E402,F403
from packets import *  # noqa: E402,F403

SECRETS = 8  # that each capture is anonymised with


def judged(path):
    report = path + ".json"
    status = subprocess.run([KVREPLAY, "verify", "-q", "--json", report, path], check=False,
                            stdout=subprocess.DEVNULL).returncode
    with open(report) as f:
        capture = json.load(f)["captures"][0]
    return status, capture["rebuilt"], capture["executed"]


class Opaques(unittest.TestCase):
    def setUp(self):
        self.conversation = Conversation()
        self.conversation.open()
        self.cas, self.items = 0, {}

    def exchange(self, requests, *answers):
        """The requests and a NOOP, all with the opaque 0."""
        self.conversation.client(*requests, request(NOOP))
        self.conversation.server(*answers, response(NOOP))

    def changed(self, opcode, key, value):
        self.cas += 1
        self.items[key] = value, self.cas
        return response(opcode, cas=self.cas)

    def store(self, key, value):
        self.exchange([store(SET, key, value)], self.changed(SET, key, value))

    def append(self, key, value):
        self.exchange([request(APPEND, key, value=value)], self.changed(APPEND, key, self.items[key][0] + value))

    def hit(self, opcode, key, named=b""):
        value, cas = self.items[key]
        return response(opcode, named, bytes(4), value, cas=cas)

    def store_two(self):
        self.store(b"two", b"first value")
        self.append(b"two", b" and another")

    def results(self):
        """The capture, and what it becomes with several secrets; verify judges them alike."""
        self.conversation.close()
        made = pcap(self.conversation.packets)
        with tempfile.TemporaryDirectory() as folder:
            before, after = os.path.join(folder, "before"), os.path.join(folder, "after")
            with open(before, "wb") as f:
                f.write(made)
            expected = judged(before)
            self.assertEqual(expected[0], 0, "the capture itself is wrong")
            for _ in range(SECRETS):
                subprocess.run([KVREPLAY, "anonymise", "-q", before, "-o", after], check=True)
                self.assertEqual(judged(after), expected)
                with open(after, "rb") as f:
                    yield made, f.read()

    def expect_the_same(self):
        self.assertEqual(len(list(self.results())), SECRETS)

    def test_a_miss_before_the_hit(self):
        self.store_two()
        self.exchange([request(GETQ, b"one"), request(GETQ, b"two")], self.hit(GETQ, b"two"))
        self.exchange([touch(GATQ, b"one"), touch(GATQ, b"two")], self.hit(GATQ, b"two"))
        self.expect_the_same()

    def test_the_answer_names_its_key(self):
        self.store_two()
        self.exchange([request(GETKQ, b"one"), request(GETKQ, b"two")], self.hit(GETKQ, b"two", b"two"))
        self.expect_the_same()

    def test_several_that_were_appended_to(self):
        for key, value in ((b"one", b"ab"), (b"two", b"abc"), (b"three", b"bc")):
            self.store(key, value)
            self.append(key, b"ca" + key)
        self.cas += 1
        self.exchange([request(DELETE, b"one")], response(DELETE))
        self.exchange([request(GETQ, b"one"), request(GETQ, b"two"), request(GETQ, b"three")],
                      self.hit(GETQ, b"two"), self.hit(GETQ, b"three"))
        self.expect_the_same()

    def count(self, key, delta):
        number = b"%d" % (int(self.items[key][0]) + delta)
        self.exchange([arith(INCREMENT, key, delta)],
                      response(INCREMENT, value=int(number).to_bytes(8, "big"), cas=self.cas + 1))
        self.cas += 1
        self.items[key] = number, self.cas

    def read_in_doubt(self, *keys):
        """One that is not there, so that it can't be known which are answered."""
        self.exchange([request(GETQ, key) for key in (b"none", *keys)], *(self.hit(GETQ, key) for key in keys))

    def test_a_counter_that_was_stored(self):
        self.store(b"number", b"1234")
        self.read_in_doubt(b"number")
        self.count(b"number", 1)
        self.expect_the_same()

    def test_a_counter_that_was_counted(self):
        self.store(b"number", b"1234")
        self.count(b"number", 1)
        self.read_in_doubt(b"number")
        self.expect_the_same()

    def test_a_counter_that_was_read(self):
        self.cas, self.items[b"number"] = 7, (b"1234", 7)
        self.exchange([request(GET, b"number")], self.hit(GET, b"number"))
        self.read_in_doubt(b"number")
        self.count(b"number", 1)
        self.expect_the_same()

    def test_what_is_no_counter_beside_one(self):
        """Not even if it holds the same number is it kept."""
        self.store(b"number", b"123456789012")
        self.count(b"number", 1)
        self.store(b"same", b"123456789013")
        self.store(b"other", b"987654321098")
        self.read_in_doubt(b"number", b"same", b"other")
        for made, result in self.results():
            at = [i for i in range(len(made)) if made.startswith(b"123456789013", i)]
            self.assertEqual(len(at), 3)
            self.assertEqual(sum(result[i:i + 12] == b"123456789013" for i in at), 1)
            self.assertNotIn(b"987654321098", result)

    def test_what_was_there_before(self):
        self.cas, self.items[b"two"] = 7, (b"of old", 7)
        self.exchange([request(GETQ, b"one"), request(GETQ, b"two")], self.hit(GETQ, b"two"))
        self.append(b"two", b" and new")
        self.exchange([request(GET, b"two")], self.hit(GET, b"two"))
        self.expect_the_same()

    def test_a_later_answer_says_that_there_is_none(self):
        """Keys that can be told apart have nothing to do with each other: the first one's values are whole."""
        self.store_two()
        self.store(b"one", b"first value and another")
        self.cas += 1
        self.exchange([request(GETQ, b"three"), request(DELETE, b"one")], response(DELETE))
        self.exchange([request(GETQ, b"one")])
        self.exchange([request(GETQ, b"two")], self.hit(GETQ, b"two"))
        for made, result in self.results():
            whole = made.find(b"first value and another")
            pieces = made.find(b"first value and another", whole + 1)
            self.assertTrue(0 < whole < pieces)
            self.assertNotEqual(result[whole:whole + 11], result[pieces:pieces + 11])


unittest.main(argv=sys.argv[:1])
