#!/usr/bin/python3
"""Starts a program with a socket as its standard input, sends two requests in one segment, and wants two answers.

usage: talk.py PROGRAM
"""
import socket
import subprocess
import sys

requests = [bytes.fromhex("800a00000000000000000000000000%02x0000000000000000" % opaque) for opaque in (1, 2)]
ours, theirs = socket.socketpair()
ours.settimeout(20)
program = subprocess.Popen(sys.argv[1:], stdin=theirs)
theirs.close()
try:
    ours.sendall(b"".join(requests))
    answers = b""
    while len(answers) < 48:
        more = ours.recv(48 - len(answers))
        if not more:
            sys.exit("closed after %d bytes" % len(answers))
        answers += more
    if answers != b"".join(b"\x81" + request[1:] for request in requests):
        sys.exit(answers.hex())
finally:
    program.kill()
    program.wait()
