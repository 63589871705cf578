#!/usr/bin/env python3
"""inspect_tshark.py PROGRAM CORPUS: inspect says every number and every name of a bit that tshark's dissector does.

Of each frame of couchbase_capture.py, what `tshark -V` has in lines "Name: number" or "Name: number, BIT, BIT" is
looked for in the line of inspect. Left out are what follows from other numbers (lengths), and what tshark gets wrong: the
byte order of opaques, the datatype behind an item's metadata (which it calls ConfRes), and collections in keys that have
none, since it does not follow HELLO.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 11311
DERIVED = re.compile(r"(.* )?Length|.* Len|Size|Opaque|Data Type|Value|Key|ConfRes|Unknown|unused|Flexible .*")
# What tshark calls otherwise.
BITS = {"XATTR_PATH": "XATTR", "Latest": "TO_LATEST", "Disk Only": "DISK_ONLY", "Chk": "CHECKPOINT",
        "Include XATTRs": "INCLUDE_XATTRS", "Enable Collections": "COLLECTIONS", "No Value": "NO_VALUE",
        "Include Delete Times": "INCLUDE_DELETE_TIMES", "OSO Begin": "BEGIN", "OSO End": "END"}


def number_of(text):
    return int(text, 16 if text.startswith("0x") else 10)


def numbers_of(line):
    """All that stands in a line as a number; in names of lists and of statuses, too."""
    line = re.sub(r' (extras|frame-info)=\S+', "", line)
    return {number_of(text) for text in re.findall(r"(?<![\w.])(0x[0-9a-f]+|\d+)(?!\w)", line)}


def faults(packet, shown, line):
    have = numbers_of(line)
    for text in (text.strip() for text in shown.split("\n")):
        match = re.fullmatch(r"([\w ()>-]+): (0x[0-9a-fA-F]+|\d+)((?:, [\w ]+)*)", text)
        if match and match[1] == "Collection ID" and " collection=" not in line and " id=" not in line:
            continue
        if match and not DERIVED.fullmatch(match[1]):
            bits = [bit for bit in match[3].split(", ") if bit]
            for bit in bits:
                if BITS.get(bit, bit).upper().replace(" ", "_") not in line:
                    yield f"packet {packet}: {text}: {bit} is not in: {line}"
            if not bits and number_of(match[2]) not in have:
                yield f"packet {packet}: {text} is not in: {line}"


def main(program, corpus):
    with tempfile.TemporaryDirectory() as scratch:
        capture = os.path.join(scratch, "couchbase.pcap")
        subprocess.run([sys.executable, "-B", os.path.join(HERE, "couchbase_capture.py"), corpus, capture], check=True)
        inspected = subprocess.run([program, "inspect", capture], check=True, capture_output=True, text=True).stdout
        dissected = subprocess.run(["tshark", "-V", "-r", capture, "-d", f"tcp.port=={PORT},couchbase"], check=True,
                                   capture_output=True, text=True, errors="replace").stdout
    lines = {int(line.split()[0]): line for line in inspected.split("\n") if line[:1].isdigit()}
    packets = re.split(r"(?m)^Frame (\d+):", dissected)[1:]
    checked = found = 0
    for number, text in zip(packets[::2], packets[1::2]):
        shown = re.search(r"(?s)\nCouchbase Protocol,.*?(?=\nCouchbase|\Z)", text)
        if shown:
            checked += 1
            for fault in faults(int(number), shown[0], lines[int(number)]):
                found += 1
                print(fault)
    print(f"{checked} frames, {found} numbers or names that only tshark has")
    return 1 if found or checked < 80 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
