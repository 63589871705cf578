"""A server of Couchbase's dialect that is started again on its port while a capture is taken: it holds nothing any more, and has
other UUIDs. Usage: PROGRAM FOLDER-OF-CLIENTS."""

import socket
import struct
import sys
import unittest
import zlib

from recording import PATIENCE, PROGRAM, Child, RecordTest

HELLO, SASL_AUTH, SELECT_BUCKET, CONFIG, GET, SET, ADD, REPLACE = 0x1F, 0x21, 0x89, 0xB5, 0x00, 0x01, 0x02, 0x03
FEATURES = 0x04, 0x06, 0x07, 0x0B, 0x12  # tokens, attributes, extended errors, JSON, collections
VBUCKETS = 64
SUCCESS, NOT_FOUND = 0, 1


class Client:
    def __init__(self, port, features=FEATURES, config=False):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.answers = self.socket.makefile("rb")
        self.opaque = 0
        self.ask(HELLO, b"agent", value=struct.pack(">%dH" % len(features), *features))
        self.ask(SASL_AUTH, b"PLAIN", value=b"\0user\0word")
        self.ask(SELECT_BUCKET, b"default")
        if config:
            self.ask(CONFIG)

    def ask(self, opcode, key=b"", extras=b"", value=b"", vbucket=0):
        """The status of the answer."""
        self.opaque += 1
        size = len(extras) + len(key) + len(value)
        self.socket.sendall(struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, vbucket, size, self.opaque, 0)
                            + extras + key + value)
        header = self.answers.read(24)
        status, size = struct.unpack(">HI", header[6:12])
        self.answers.read(size)
        return status

    def about(self, opcode, name, value=b""):
        vbucket = (zlib.crc32(name) >> 16 & 0x7FFF) % VBUCKETS
        return self.ask(opcode, b"\0" + name, bytes(8) if opcode in (SET, ADD, REPLACE) else b"", value, vbucket)

    def close(self):
        self.answers.close()
        self.socket.close()


class Restart(RecordTest):
    def start(self, port="0"):
        server = Child([PROGRAM, "serve", "-p", str(port), "--dialect", "couchbase", "--vbuckets", str(VBUCKETS)], "stdout")
        self.addCleanup(server.kill)
        return server

    def record_restart(self, clients_leave, **options):
        """Documents before, and what a client asks behind it. Returns what `verify` says."""
        server = self.start()
        proxy = self.proxy(server, "restart.pcapng")
        clients = [Client(proxy.port(), **options) for _ in range(2)]
        for number in range(20):
            self.assertEqual(clients[number % 2].about(SET, b"k%d" % number, b'{"n":1}'), SUCCESS)
        if clients_leave:
            for client in clients:
                client.close()
        port = server.port()
        self.stop(server)
        self.start(port)
        behind = Client(proxy.port(), **options)
        self.assertEqual(behind.about(GET, b"k0"), NOT_FOUND)
        for number in range(40):
            self.assertEqual(behind.about(ADD if number % 2 else SET, b"k%d" % number, b"2"), SUCCESS)
            self.assertEqual(behind.about(GET, b"k%d" % (number // 2)), SUCCESS)
        self.assertEqual(behind.about(REPLACE, b"none"), NOT_FOUND)
        for client in [behind] + clients:
            client.close()
        self.stop(proxy)
        return self.expect_identical("restart.pcapng")

    def expect_restart(self, said):
        self.assertRegex(said, r"servers that began anew while nobody was connected: 1\b")

    def test_it_leaves_its_clients(self):
        self.expect_restart(self.record_restart(clients_leave=False))

    def test_its_clients_leave_it(self):
        self.expect_restart(self.record_restart(clients_leave=True))

    def test_without_tokens(self):
        self.expect_restart(self.record_restart(clients_leave=False, features=(0x06, 0x0B, 0x12)))

    def test_with_its_configuration(self):
        self.expect_restart(self.record_restart(clients_leave=True, config=True))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
