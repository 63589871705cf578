#!/usr/bin/python3
"""Checks the corpus itself, without any of the project's code.

usage: check.py            all checks
       check.py --update   writes corpus/captures/expected.tsv from what the oracle counts (after recording again)
"""
import filecmp
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "..", "..", "corpus")
CAPTURES = os.path.join(CORPUS, "captures")
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
import oracle  # noqa: E402


def files(folder):
    return sorted(f for f in os.listdir(os.path.join(CORPUS, folder)) if ".pcap" in f)


def counted():
    rows = [oracle.count(os.path.join(CAPTURES, f)) for f in files("captures")]
    return "".join("\t".join(row) + "\n" for row in [oracle.COLUMNS] + rows)


def table(folder):
    with open(os.path.join(CORPUS, folder, "expected.tsv")) as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    return [dict(zip(rows[0], row)) for row in rows[1:]]


class Corpus(unittest.TestCase):
    def test_generators_make_the_same_bytes_again(self):
        for folder in ("made", "damaged"):
            with tempfile.TemporaryDirectory() as out:
                subprocess.run([sys.executable, "-B", os.path.join(CORPUS, folder, "make.py"), out], check=True)
                names = sorted(os.listdir(out))
                self.assertEqual(names, sorted(files(folder) + ["expected.tsv"]))
                same, differ, missing = filecmp.cmpfiles(os.path.join(CORPUS, folder), out, names, shallow=False)
                self.assertEqual((differ, missing), ([], []))

    def test_recorded_captures_hold_what_the_table_says(self):
        with open(os.path.join(CAPTURES, "expected.tsv")) as f:
            self.assertEqual(f.read(), counted())

    def test_every_payload_byte_is_in_one_class(self):
        for folder in ("captures", "made", "damaged"):
            for row in table(folder):
                classes = [row[k] for k in ("client_frames", "server_frames", "duplicate", "unparsed", "not_mcbp")]
                if "-" not in classes + [row["total"]]:
                    self.assertEqual(sum(map(int, classes)), int(row["total"]), row["file"])

    def test_every_file_has_its_line(self):
        for folder in ("captures", "made", "damaged"):
            self.assertEqual(sorted(row["file"] for row in table(folder)), files(folder))

    def test_readme_describes_every_capture(self):
        with open(os.path.join(CORPUS, "README.md")) as f:
            text = f.read()
        for name in files("captures") + files("made"):
            self.assertTrue("`%s`" % name in text, "%s is not in corpus/README.md" % name)

    def test_captures_are_small(self):
        sizes = [os.path.getsize(os.path.join(CAPTURES, f)) for f in files("captures")]
        self.assertLess(max(sizes), 1 << 20)
        self.assertLess(sum(sizes), 6 << 20)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        with open(os.path.join(CAPTURES, "expected.tsv"), "w") as f:
            f.write(counted())
    else:
        unittest.main()
