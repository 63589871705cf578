#!/usr/bin/python3
"""No report shows credentials: what SASL says in whole frames, in frames whose lengths lie, in answers that nobody asked
for, and in what is in the place of a mechanism's name.

usage: credentials.py KVREPLAY CORPUS
"""
import base64
import os
import subprocess
import sys
import tempfile
import unittest

KVREPLAY, CORPUS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.path.insert(0, CORPUS)
from mcbp import *  # noqa: E402,F403
from packets import *  # noqa: E402,F403

SECRET = b"OPENSESAME"


def talk():
    c = Conversation()
    c.open()
    c.exchange([(request(NOOP, opaque=1), response(NOOP, opaque=1))])
    plain = b"\0user\0" + SECRET
    for n, (opcode, mechanism, said) in enumerate((
            (SASL_AUTH, b"PLAIN", plain), (SASL_STEP, b"SCRAM-SHA512", b"n=user,r=" + SECRET),
            (SASL_AUTH, SECRET.lower(), b""), (SASL_AUTH, b"", plain), (SASL_AUTH, SECRET * 3, plain)), 2):
        c.client(request(opcode, mechanism, value=said, opaque=n))
        c.server(response(opcode, value=b"r=" + SECRET, status=0x21, opaque=n))
    c.client(frame(FLEX_REQUEST, SASL_AUTH, b"PLAIN", framing=b"\0", value=plain, opaque=10))
    c.client(frame(REQUEST, SASL_AUTH, b"PLAIN", b"\0" * 4, plain, opaque=11))
    c.server(response(SASL_AUTH, value=SECRET, opaque=98), response(SASL_STEP, value=SECRET, status=0x20, opaque=99))
    c.server(frame(SERVER_REQUEST, 0x02, value=b'{"challenge": "%s"}' % SECRET, opaque=12))
    c.server(frame(RESPONSE, SASL_AUTH, b"", value=SECRET, opaque=10, extras_length=200))
    c.server(SECRET * 3)
    c.close()
    return pcap(c.packets)


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.capture = os.path.join(cls.folder.name, "sasl.pcap")
        with open(cls.capture, "wb") as f:
            f.write(talk())

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def shown(self, *arguments):
        done = subprocess.run([KVREPLAY, *arguments, self.capture], capture_output=True, check=False)
        self.assertNotIn(done.returncode, (2, 70), done.stderr)
        return done.stdout + done.stderr

    def check(self, text):
        squeezed = text.replace(b" ", b"").lower()
        for secret in (SECRET[:6], SECRET[4:]):
            self.assertNotIn(secret.lower(), squeezed)
            self.assertNotIn(secret.hex().encode(), squeezed)
            self.assertNotIn(secret.lower().hex().encode(), squeezed)
            self.assertNotIn(base64.b64encode(secret).rstrip(b"=").lower(), squeezed)

    def test_of_inspect(self):
        for arguments in ((), ("-x",), ("--json",), ("--json", "-x")):
            text = self.shown("inspect", *arguments)
            self.check(text)
            self.assertIn(b"SASL_AUTH", text)
            self.assertIn(b"PLAIN", text)
            self.assertIn(b"SCRAM-SHA512", text)
            self.assertIn(b"*" * len(SECRET), text)

    def test_of_verify(self):
        report = os.path.join(self.folder.name, "report")
        for form in ("--json", "--junit"):
            for reference in ((), ("--reference", "legacy")):
                self.check(self.shown("verify", "-v", "--show", "99", form, report, *reference))
                with open(report, "rb") as f:
                    text = f.read()
                self.check(text)
                self.assertIn(b"2a2a2a2a", text.replace(b" ", b""), "bytes of a difference")


unittest.main(argv=sys.argv[:1])
