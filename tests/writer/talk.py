#!/usr/bin/python3
"""Starts the example server, sends four requests in one segment, and wants four answers; then ends it.

usage: talk.py PROGRAM
"""
import re
import socket
import struct
import subprocess
import sys

REQUEST, RESPONSE = 0x80, 0x81
GET, NOOP, VERSION = 0x00, 0x0A, 0x0B


def frame(magic, opcode, opaque, key=b"", extras=b"", value=b"", status=0):
    body = len(extras) + len(key) + len(value)
    return struct.pack(">BBHBBHIIQ", magic, opcode, len(key), len(extras), 0, status, body, opaque, 0) + extras + key + value


requests = [frame(REQUEST, NOOP, 1), frame(REQUEST, GET, 2, key=b"some key"), frame(REQUEST, VERSION, 3),
            frame(REQUEST, NOOP, 4)]
expected = b"".join([frame(RESPONSE, NOOP, 1), frame(RESPONSE, GET, 2, extras=bytes(4), value=b"some key"),
                     frame(RESPONSE, VERSION, 3, status=0x81), frame(RESPONSE, NOOP, 4)])

program = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
try:
    port = int(re.search(r"port (\d+)", program.stdout.readline())[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"".join(requests))
        answers = b""
        while len(answers) < len(expected):
            more = connection.recv(len(expected) - len(answers))
            if not more:
                sys.exit("closed after %d bytes" % len(answers))
            answers += more
        if answers != expected:
            sys.exit(answers.hex())
    program.terminate()
    if program.wait(timeout=20) != 0:
        sys.exit("it ended with %d" % program.returncode)
finally:
    program.kill()
    program.wait()
