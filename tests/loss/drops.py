"""Captures of contending clients with one packet dropped, at random: nothing differs, whoever it was from, and nearly all
that is still there is compared; lies elsewhere are still found. Usage: PROGRAM FOLDER-OF-CLIENTS CONCURRENT-CAPTURE.
KVREPLAY_SEED repeats a run, KVREPLAY_DROPS says how many drops of each capture (default 20). Exit status 77: there is no
memcached."""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(1, sys.argv[2])
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "record"))

import compare
from loads import LOADS
from packets import Capture
from recording import PROGRAM, RecordTest, path

SEED = int(os.environ.get("KVREPLAY_SEED", time.time_ns() >> 10 & 0xffffffff))
DROPS = int(os.environ.get("KVREPLAY_DROPS", "20"))
UNCOMPARED_MAX = 0.05  # of the answers, at the median
LIES_FOUND_MIN = 0.8  # a lost change may be what the last answer about a key shows


def record(test, name, load):
    with tempfile.TemporaryDirectory() as ports:
        memcached, port = compare.start_memcached(ports)
        try:
            recorder = test.proxy("127.0.0.1:" + port, name)
            load(recorder.port(), SEED)
            test.stop(recorder)
        finally:
            memcached.kill()
            memcached.wait()


class Drops(RecordTest):
    def verify_bytes(self, data):
        """What it says, and the counts of the executed check."""
        with open(path("dropped"), "wb") as file:
            file.write(data)
        done = subprocess.run([PROGRAM, "verify", "--max-loss", "any", "--json", path("report"), path("dropped")],
                              capture_output=True, text=True, timeout=120)
        with open(path("report"), encoding="utf-8") as file:
            executed = json.load(file)["captures"][0]["executed"]
        return done.stdout + done.stderr, executed["different"] + executed["missing"], executed["compared"]

    def expect_no_difference(self, name, capture, choice):
        said, differences, all_compared = self.verify_bytes(b"".join(capture.parts))
        self.assertEqual(differences, 0, said)
        uncompared = []
        for _ in range(DROPS):
            packet = choice.randrange(len(capture.packets))
            said, differences, compared = self.verify_bytes(capture.without(packet))
            uncompared.append(1 - compared / all_compared)
            with self.subTest(packet=packet + 1):
                self.assertEqual(differences, 0, said)
        median = statistics.median(uncompared)
        print(f"{name}: {len(capture.packets)} packets, {all_compared} answers compared, {DROPS} drops, median "
              f"{100 * median:.2f} % of them not compared any more, at most {100 * max(uncompared):.2f} %", flush=True)
        self.assertLessEqual(median, UNCOMPARED_MAX)

    def expect_lies_to_be_found(self, capture, choice):
        values = list(capture.values())
        near = len(capture.packets) // 10  # a lie there could be what a lost request has changed
        lies = []  # whether it is found
        for _ in range(10 * DROPS):
            packet, at = choice.choice(values)
            dropped = choice.randrange(len(capture.packets))
            byte = capture.byte(packet, at)
            capture.change(packet, at, byte ^ 1)
            if abs(dropped - packet) > near and self.verify_bytes(b"".join(capture.parts))[1] > 0:
                lies.append(self.verify_bytes(capture.without(dropped))[1] > 0)
            capture.change(packet, at, byte)
            if len(lies) == DROPS:
                break
        print(f"{sum(lies)} of {len(lies)} lies found", flush=True)
        self.assertGreaterEqual(sum(lies), LIES_FOUND_MIN * DROPS)

    def drop_from(self, name, file):
        choice = random.Random(SEED)
        capture = Capture(file)
        self.expect_no_difference(name, capture, choice)
        self.expect_lies_to_be_found(capture, choice)

    def record_and_drop_from(self, name):
        record(self, "whole.pcapng", LOADS[name])
        self.drop_from(name, path("whole.pcapng"))

    def test_sixteen_connections_on_ten_keys(self):
        self.record_and_drop_from("16 connections on 10 keys")

    def test_eight_connections_that_number_no_noop(self):
        self.record_and_drop_from("8 connections on 10 keys, NOOPs without numbers")

    def test_eight_connections_on_three_keys_with_cas(self):
        self.record_and_drop_from("8 connections on 3 keys with CAS")

    def test_many_connections_on_many_keys(self):
        self.record_and_drop_from("64 connections on 1,000 keys")

    @unittest.skipUnless(shutil.which("memcaslap"), "memcaslap is not installed")
    def test_a_client_with_threads(self):
        self.record_and_drop_from("a client with 4 threads")

    def test_the_concurrent_capture_of_the_corpus(self):
        self.drop_from("corpus concurrent", sys.argv[3])


if __name__ == "__main__":
    if not shutil.which("memcached"):
        print("there is no memcached")
        sys.exit(77)
    print(f"KVREPLAY_SEED={SEED}", flush=True)
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=1)
