"""64 connections on one and on three keys of a memcached with 4 threads, 32 requests at once, recorded from the loopback
interface and by the proxy: an order is found in which all answers are right, and at little cost.
Usage: PROGRAM FOLDER-OF-CLIENTS. KVREPLAY_RECORDINGS says how many of each of the four kinds (default 1), KVREPLAY_SEED
repeats what is asked, KVREPLAY_KEEP names a folder where the recordings are left. Exit status 77: there is no memcached."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(1, sys.argv[2])

import compare
from contenders import contend
from recording import PROGRAM, RecordTest, path

SEED = int(os.environ.get("KVREPLAY_SEED", time.time_ns() >> 10 & 0xffffffff))
RECORDINGS = int(os.environ.get("KVREPLAY_RECORDINGS", "1"))
KEEP = os.environ.get("KVREPLAY_KEEP")
CONNECTIONS, DEPTH, ROUNDS = 64, 32, 7
UNDECIDED_MAX = 0.01  # of the answers
RUNS, COPIES = 3, 4
CPU_MAX = 10  # times that of answers about keys that only one connection asks for


def few_keys(count):
    return lambda number: [b"k%d" % i for i in range(count)]


def own_keys(number):
    return [b"k%d.%d" % (number, i) for i in range(3)]


class Verdict:
    """What kvreplay verify finds in a recording, and the CPU time that it takes for an answer, in seconds: of several
    copies in a run, as the start of a program and the clock's ticks are no small part of one, and the least of several
    runs, as others run on this machine."""

    def __init__(self, name):
        cpu = min(self.run(name) for _ in range(RUNS))
        with open(path("report"), encoding="utf-8") as file:
            executed = json.load(file)["captures"][0]["executed"]
        self.answers = sum(executed[count] for count in ("compared", "ambiguous", "adopted", "not_executed"))
        self.wrong = executed["different"] + executed["missing"]
        self.undecided = executed["undecided"] / self.answers
        self.cpu = cpu / COPIES / self.answers

    def run(self, name):
        command = [PROGRAM, "verify", "--max-undecided", "1000000", "--json", path("report")] + COPIES * [path(name)]
        with open(path("said"), "w+", encoding="utf-8") as said:
            process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            self.status = process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            self.said = said.read()
        return usage.ru_utime + usage.ru_stime


class Orders(RecordTest):
    def recorder(self, kind, server, name):
        """With the port that clients have to ask."""
        if kind == "proxy":
            recorder = self.proxy("127.0.0.1:" + server, name)
            return recorder, recorder.port()
        return self.record("-i", "lo", "--filter", "tcp port " + server, "-o", path(name), "--force"), int(server)

    def recorded(self, kind, keys_of, name, seed):
        with tempfile.TemporaryDirectory() as ports:
            memcached, server = compare.start_memcached(ports, threads=4)
            try:
                recorder, port = self.recorder(kind, server, name)
                contend(port, seed, CONNECTIONS, keys_of, DEPTH, ROUNDS)
                self.stop(recorder)
            finally:
                memcached.kill()
                memcached.wait()
        if KEEP:
            shutil.copy(path(name), KEEP)
        return Verdict(name)

    def expect_an_order(self, kind, keys, number, alone):
        name = f"{kind}-{keys}-{number}.pcapng"
        found = self.recorded(kind, few_keys(keys), name, SEED + number)
        ratio = found.cpu / alone
        print(f"{name}: {found.answers} answers, {found.wrong} wrong, {100 * found.undecided:.3f} % undecided, "
              f"{ratio:.1f} times the CPU", flush=True)
        with self.subTest(name):
            self.assertEqual((found.status, found.wrong), (0, 0), found.said)
            self.assertLessEqual(found.undecided, UNDECIDED_MAX, found.said)
            self.assertLessEqual(ratio, CPU_MAX, found.said)
        return ratio

    def expect_orders(self, kind, keys):
        alone = self.recorded(kind, own_keys, f"{kind}-alone-{keys}.pcapng", SEED)
        self.assertEqual((alone.status, alone.undecided), (0, 0), alone.said)
        ratios = [self.expect_an_order(kind, keys, number, alone.cpu) for number in range(RECORDINGS)]
        print(f"{kind}, {keys} keys: {1e6 * alone.cpu:.1f} us an answer alone, median {statistics.median(ratios):.1f} times that, "
              f"at most {max(ratios):.1f}", flush=True)

    def needs_the_right_to_capture(self):
        done = self.run_program("record", "-i", "lo", "--limit", "seconds:1", "--force", "-o", path("try.pcapng"))
        if done.returncode == 70 and "not permitted" in done.stderr:
            self.skipTest("neither root nor CAP_NET_RAW: " + done.stderr.strip())

    def test_one_key_on_the_interface(self):
        self.needs_the_right_to_capture()
        self.expect_orders("interface", 1)

    def test_three_keys_on_the_interface(self):
        self.needs_the_right_to_capture()
        self.expect_orders("interface", 3)

    def test_one_key_through_the_proxy(self):
        self.expect_orders("proxy", 1)

    def test_three_keys_through_the_proxy(self):
        self.expect_orders("proxy", 3)


if __name__ == "__main__":
    if not shutil.which("memcached"):
        print("there is no memcached")
        sys.exit(77)
    print(f"KVREPLAY_SEED={SEED}", flush=True)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=1)
