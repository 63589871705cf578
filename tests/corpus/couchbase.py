#!/usr/bin/env python3
"""
What is in the recordings of Couchbase's SDK, counted without kvreplay, and what verify has to find there.

  couchbase.py             counts what corpus/couchbase/expected.tsv says, and asks tshark, if it is installed
  couchbase.py KVREPLAY    also, whether verify sees the same, and the differences of corpus/couchbase/faults.tsv
  couchbase.py --update    writes expected.tsv (after recording again)
"""
import collections
import gzip
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import oracle

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "corpus" / "couchbase"
COLUMNS = "file", "opcode", "requests", "responses", "statuses"
ENOUGH = 0.97  # of the answers: executed or adopted
PROGRAM = None


def recordings():
    return sorted(FOLDER.glob("*.pcapng.gz"))


def headers(pieces):
    """(opcode, vbucket or status) of each frame of one direction."""
    data = b"".join(pieces)
    while data:
        size = 24 + struct.unpack_from("!I", data, 8)[0]
        assert len(data) >= size, "a frame is cut off"
        yield data[1], struct.unpack_from("!H", data, 6)[0]
        data = data[size:]


def counted(path):
    """opcode: (requests, {status: responses})"""
    found = collections.defaultdict(lambda: [0, collections.Counter()])
    for connection in oracle.conversations(oracle.content(str(path)))[1]:
        for opcode, _ in headers(connection.pieces[True]):
            found[opcode][0] += 1
        for opcode, status in headers(connection.pieces[False]):
            found[opcode][1][status] += 1
    return found


def rows(name, found):
    for opcode, (requests, statuses) in sorted(found.items()):
        told = " ".join(f"{status:02x}:{count}" for status, count in sorted(statuses.items()))
        yield name, f"{opcode:02x}", str(requests), str(sum(statuses.values())), told


def counted_table():
    lines = [COLUMNS] + [row for path in recordings() for row in rows(path.name, counted(path))]
    return "".join("\t".join(line) + "\n" for line in lines)


def table(name):
    lines = [line.split("\t") for line in (FOLDER / name).read_text().splitlines()]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def by_tshark(path):
    """The same as `counted`."""
    segment = oracle.transport(*next(oracle.packets(oracle.content(str(path)))))[3]  # the first one is a client's
    port = struct.unpack_from("!H", segment, 2)[0]
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder, "plain.pcapng")
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        fields = [word for name in ("magic", "opcode", "status") for word in ("-e", f"couchbase.{name}")]
        said = subprocess.run(["tshark", "-r", plain, "-d", f"tcp.port=={port},couchbase", "-Y", "couchbase", "-T", "fields",
                               *fields], capture_output=True, text=True, check=True).stdout
    found = collections.defaultdict(lambda: [0, collections.Counter()])
    for line in said.splitlines():
        magics, opcodes, statuses = ([int(number, 0) for number in field.split(",") if number] for field in line.split("\t"))
        told = iter(statuses)
        for magic, opcode in zip(magics, opcodes, strict=True):
            if magic in oracle.REQUESTS:
                found[opcode][0] += 1
            else:
                found[opcode][1][next(told)] += 1
    return found


class Recordings(unittest.TestCase):
    def test_they_hold_what_the_table_says(self):
        self.assertEqual((FOLDER / "expected.tsv").read_text(), counted_table())

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_tshark_counts_the_same(self):
        for path in recordings():
            self.assertEqual(list(rows(path.name, by_tshark(path))), list(rows(path.name, counted(path))))

    def test_the_page_about_the_corpus_describes_each(self):
        text = (FOLDER.parent / "README.md").read_text()
        for path in recordings():
            self.assertTrue(f"`{path.name}`" in text, f"{path.name} is not in corpus/README.md")
            self.assertLess(path.stat().st_size, 100_000)


class Verified(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        command = [PROGRAM, "verify", "--json", "-", "--show", "1000", *recordings()]
        said = subprocess.run(command, capture_output=True, text=True)
        cls.captures = {pathlib.Path(capture["file"]).name: capture for capture in json.loads(said.stdout)["captures"]}

    def test_every_frame_is_seen(self):
        for name, capture in self.captures.items():
            expected = [(int(row["requests"]), sorted(int(status.split(":")[1]) for status in row["statuses"].split()))
                        for row in table("expected.tsv") if row["file"] == name]
            seen = [(opcode["requests"], sorted(opcode["statuses"].values())) for opcode in capture["opcodes"].values()]
            self.assertEqual(sorted(seen), sorted(expected))
            self.assertEqual(capture["rebuilt"]["identical"], sum(sum(statuses) for _, statuses in expected))

    def test_nearly_every_answer_is_executed_or_adopted(self):
        for name, capture in self.captures.items():
            executed = capture["executed"]["compared"] + capture["executed"]["adopted"]
            self.assertGreaterEqual(executed, ENOUGH * capture["server_frames"], name)

    def test_its_differences_are_the_faults_of_the_server(self):
        for name, capture in self.captures.items():
            expected = collections.Counter()
            for row in table("faults.tsv"):
                if row["file"] == name:
                    expected[row["opcode"], row["field"]] += int(row["found"])
            found = collections.Counter((one["opcode"], one["field"].partition("+")[0]) for one in capture["differences"])
            self.assertEqual(found, +expected, name)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        (FOLDER / "expected.tsv").write_text(counted_table())
        sys.exit()
    if sys.argv[1:]:
        PROGRAM = sys.argv[1]
    else:
        Verified = None
    unittest.main(argv=sys.argv[:1])
