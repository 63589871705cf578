"""kvreplay record of the loopback interface; skipped where capturing is not permitted. Usage: PROGRAM"""

import os
import re
import signal
import subprocess
import sys
import unittest

from recording import PATIENCE, PROGRAM, Child, RecordTest, path
from proxy import NOOP, answer, get_of, set_of


def retransmitted():
    """Segments that this machine's TCP has sent again: on a busy one it does so on the loopback interface too."""
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, counts = [line.split() for line in file if line.startswith("Tcp:")]
    return int(counts[names.index("RetransSegs")])


class Interface(RecordTest):
    def setUp(self):
        done = self.run_program("record", "-i", "lo", "--limit", "seconds:1", "--force", "-o", path("try.pcapng"))
        if done.returncode == 70 and "not permitted" in done.stderr:
            self.skipTest("neither root nor CAP_NET_RAW: " + done.stderr.strip())

    def sniff(self, server, name, *options):
        return self.record("-i", "lo", "--filter", f"tcp port {server.port()}", "-o", path(name), *options)

    def test_what_has_passed_until_the_signal_is_recorded(self):
        server = self.serve()
        before = retransmitted()
        recorder = self.sniff(server, "passed.pcapng")
        client = self.connect(server)
        client.sendall(set_of(b"key", 100000) + get_of(b"key") + NOOP)
        for _ in range(3):
            answer(client)
        client.close()
        self.stop(recorder)
        self.assertIn("0 dropped by the kernel", recorder.said)
        counts = re.search("packets: ([0-9]+) captured, ([0-9]+) received by the filter", recorder.said)
        self.assertIn(f"recorded: {counts[1]} packets", recorder.said)
        self.assertGreater(int(counts[2]), int(counts[1]))
        self.assertIn("a loopback interface is received twice", recorder.said)
        said = self.expect_identical("passed.pcapng", repeats=retransmitted() != before)
        self.assertIn("identical: 3 server frames rebuilt, 3 executed", said)

    def test_dropped_packets_are_not_enough_evidence(self):
        for accepted, status in (("0", 4), ("1000000", 0)):
            with self.subTest(accepted):
                server = self.serve()
                recorder = self.sniff(server, f"dropped{accepted}.pcapng", "--buffer-size", "1m",
                                      "--max-loss", accepted)
                client = self.connect(server)
                client.sendall(get_of(b"none"))
                answer(client)  # else nothing at all may be recorded, which is another fault
                recorder.signal(signal.SIGSTOP)
                client.sendall(set_of(b"key", 1000000))
                answer(client)
                for _ in range(30):
                    client.sendall(get_of(b"key"))
                    answer(client)
                recorder.signal(signal.SIGCONT)
                self.stop(recorder, status)
                self.assertRegex(recorder.said, "[1-9][0-9]* dropped by the kernel")
                self.assertEqual("--max-loss accepts 0" in recorder.said, status == 4)

    def test_nothing_but_another_port_is_nothing(self):
        done = self.run_program("record", "-i", "lo", "--filter", "tcp port 1", "--limit", "seconds:1", "-o",
                                path("other.pcapng"))
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("nothing was recorded: no packet has passed the filter", done.stderr)

    def test_limits_are_exact(self):
        server = self.serve()
        recorder = self.sniff(server, "limit.pcapng", "--limit", "packets:7")
        client = self.connect(server)
        for _ in range(10):
            client.sendall(NOOP)
            answer(client)
        self.assertEqual(recorder.wait(), 0)
        self.assertIn("recorded: 7 packets", recorder.said)

    def test_what_can_not_be(self):
        for options, status, said in (
            (["-i", "no-such-interface"], 70, "no-such-interface: "),
            (["-i", "lo", "--filter", "tcp prt"], 2, "filter 'tcp prt': "),
        ):
            done = self.run_program("record", *options, "-o", path("cant.pcapng"))
            self.assertEqual(done.returncode, status)
            self.assertIn(said, done.stderr)
            self.assertFalse(os.path.exists(path("cant.pcapng")))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
