"""kvreplay record between clients and servers of Couchbase's dialect: what a client learns of the cluster leads it
back to the proxy. Usage: PROGRAM FOLDER-OF-CLIENTS"""

import os
import re
import socket
import struct
import subprocess
import sys
import unittest

sys.path.insert(1, sys.argv[2])
SCRIPT = os.path.join(sys.argv[2], "couchbase_client.js")

import compare
from recording import PATIENCE, RecordTest, path, receive, receive_all

SECONDS = 150  # the script gives up sooner


NOT_RECORDED = "what it sends to the ports that the cluster names is not recorded"

GET_CLUSTER_CONFIG, NOOP = 0xb5, 0x0a
SUCCESS, KEY_ENOENT, NOT_MY_VBUCKET = 0, 1, 7
JSON, SNAPPY = 1, 2


def frame(opcode, value=b"", status=SUCCESS, magic=0x81, datatype=JSON, framing=b"", extras=b"", key=b""):
    lengths = struct.pack(">BB", len(framing), len(key)) if magic == 0x18 else struct.pack(">H", len(key))
    body = framing + extras + key + value
    return (struct.pack(">BB2sBBHIIQ", magic, opcode, lengths, len(extras), datatype, status, len(body), 7, 0) + body)


def compressed(text):
    """By Snappy, which may leave all as it is: the length, and literals of 60 bytes at most."""
    length, left = b"", len(text)
    while left > 127:
        length, left = length + bytes([left & 127 | 128]), left >> 7
    pieces = [text[at:at + 60] for at in range(0, len(text), 60)]
    return length + bytes([left]) + b"".join(bytes([len(piece) - 1 << 2]) + piece for piece in pieces)


def config_of(first, second):
    """What a server of two nodes says of itself and of the other, each (HOST, PORT)."""
    return (b'{"rev":7, "nodes":[{"hostname":"a:8091","ports":{"direct":11210}}],\n "nodesExt":[{"services":{"mgmt":8091,'
            b'"kv":%d,"kvSSL":11207},"thisNode":true,"hostname":"%s"},{"hostname":"%s","services":{"kvSSL":11207,"kv":%d}},'
            b'{"hostname":"query","services":{"n1ql":8093}}],"vBucketServerMap":{"serverList":["%s:%d","%s:%d"],'
            b'"vBucketMap":[[0,1],[1,0]]}}' % (first[1], first[0], second[0], second[1], *first, *second))


class Configurations(RecordTest):
    """The server is the test's own, at "localhost"; it calls itself 127.0.0.1, and names another one at ::1."""

    def setUp(self):
        self.targets = []
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            target = socket.create_server((host, 0), family=family)
            target.settimeout(PATIENCE)
            self.addCleanup(target.close)
            self.targets.append(target)
        self.ports = [target.getsockname()[1] for target in self.targets]
        self.recorder = self.proxy(f"127.0.0.1:{self.ports[0]}", "config.pcapng")
        self.client = self.connect(self.recorder)
        self.server = self.accept(0)

    def accept(self, target):
        connection = self.targets[target].accept()[0]
        connection.settimeout(PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def config(self):
        return config_of((b"127.0.0.1", self.ports[0]), (b"::1", self.ports[1]))

    def changed(self, second):
        return config_of((b"$HOST", self.recorder.port()), (b"$HOST", second))

    def received(self):
        """The next frame."""
        header = receive(self.client, 24)
        return header + receive(self.client, struct.unpack(">I", header[8:12])[0])

    def second_port(self, got):
        """Where the second node is, according to a frame that the client got."""
        return int(re.search(rb'"kvSSL":11207,"kv":(\d+)', got)[1])

    def test_nodes_are_where_the_proxy_listens_for_them(self):
        whole = frame(GET_CLUSTER_CONFIG, self.config())
        self.server.sendall(frame(NOOP) + whole[:300])
        self.assertEqual(self.received(), frame(NOOP))  # so the beginning of the configuration has come, too
        self.server.sendall(whole[300:] + frame(NOOP))
        got = self.received()
        second = self.second_port(got)
        self.assertNotIn(second, (self.recorder.port(), *self.ports))
        self.assertEqual(got, frame(GET_CLUSTER_CONFIG, self.changed(second)))
        self.assertEqual(self.received(), frame(NOOP))
        beside = socket.create_connection(("127.0.0.1", second))
        beside.sendall(b"question")
        self.assertEqual(receive(self.accept(1), 8), b"question")
        beside.close()
        self.stop(self.recorder)
        self.assertNotIn(NOT_RECORDED, self.recorder.said)
        with open(path("config.pcapng"), "rb") as file:
            recorded = file.read()
        for part in (whole[:300], whole[300:], b"question"):
            self.assertIn(part, recorded)

    def test_every_frame_with_a_configuration_names_the_same_ports(self):
        forms = (lambda value: frame(GET_CLUSTER_CONFIG, value),
                 lambda value: frame(0, value, NOT_MY_VBUCKET, 0x18, framing=b"\2\0\1"),
                 lambda value: frame(1, value, magic=0x82, extras=bytes(16), key=b"bucket"))
        self.server.sendall(b"".join(form(self.config()) for form in forms))
        got = [self.received() for _ in forms]
        self.assertEqual(got, [form(self.changed(self.second_port(got[0]))) for form in forms])

    def test_compressed_ones_arrive_inflated(self):
        forms = (lambda value, **more: frame(GET_CLUSTER_CONFIG, value, **more),
                 lambda value, **more: frame(0, value, NOT_MY_VBUCKET, 0x18, framing=b"\2\0\1", **more),
                 lambda value, **more: frame(1, value, magic=0x82, extras=bytes(16), key=b"bucket", **more))
        sent = [form(compressed(self.config()), datatype=JSON | SNAPPY) for form in forms]
        self.server.sendall(b"".join(sent) + frame(NOOP))
        got = [self.received() for _ in forms]
        self.assertEqual(got, [form(self.changed(self.second_port(got[0]))) for form in forms])
        self.assertEqual(self.received(), frame(NOOP))
        self.client.close()
        self.stop(self.recorder)
        self.assertNotIn(NOT_RECORDED, self.recorder.said)
        with open(path("config.pcapng"), "rb") as file:
            recorded = file.read()
        self.assertIn(sent[0], recorded)

    def test_other_frames_are_not_touched(self):
        others = [frame(GET_CLUSTER_CONFIG), frame(GET_CLUSTER_CONFIG, self.config(), KEY_ENOENT),
                  frame(0, self.config()), frame(0, b"", NOT_MY_VBUCKET), frame(2, self.config(), magic=0x82),
                  frame(0, frame(GET_CLUSTER_CONFIG, self.config()), magic=0x18)]
        for other in others:
            self.server.sendall(other)
            self.assertEqual(self.received(), other)
        self.server.sendall(b"VALUE k 0 1\r\n" + frame(GET_CLUSTER_CONFIG, self.config()))
        self.server.close()
        self.assertEqual(receive_all(self.client), b"VALUE k 0 1\r\n" + frame(GET_CLUSTER_CONFIG, self.config()))
        self.stop(self.recorder)
        self.assertNotIn(NOT_RECORDED, self.recorder.said)

    def test_what_cannot_be_changed_goes_on_as_it_is_and_is_told_once(self):
        nobody = config_of((b"127.0.0.1", self.ports[0]), (b"no host", 11210))
        told = config_of((b"$HOST", self.recorder.port()), (b"no host", 11210))
        self.server.sendall(frame(GET_CLUSTER_CONFIG, nobody))
        self.assertEqual(self.received(), frame(GET_CLUSTER_CONFIG, told))
        for other in (frame(GET_CLUSTER_CONFIG, b"{"), frame(GET_CLUSTER_CONFIG, self.config(), datatype=JSON | SNAPPY),
                      frame(GET_CLUSTER_CONFIG, b"\xff\xff\xff\xff\x0f" + bytes(9), datatype=JSON | SNAPPY)):
            self.server.sendall(other)
            self.assertEqual(self.received(), other)
        self.client.close()
        self.stop(self.recorder)
        self.assertEqual(self.recorder.said.count(NOT_RECORDED), 1)
        self.assertIn("port 11210 of no host", self.recorder.said)

    def test_a_long_one_is_not_kept(self):
        long = frame(GET_CLUSTER_CONFIG, self.config() + b" " * (4 << 20))
        self.server.sendall(long[:1000])
        self.assertEqual(receive(self.client, 1000), long[:1000])
        self.client.close()
        self.stop(self.recorder)
        self.assertIn("its configuration is too long", self.recorder.said)

    def test_a_part_of_one_arrives_when_the_server_ends(self):
        part = frame(GET_CLUSTER_CONFIG, self.config())[:100]
        self.server.sendall(part)
        self.server.close()
        self.assertEqual(receive_all(self.client), part)

    def test_tls_that_passes_through_is_told(self):
        self.client.sendall(b"\x16\3\1\0\5hello")
        receive(self.server, 10)
        self.client.close()
        self.stop(self.recorder)
        self.assertIn("11207 as a rule, and past this proxy", self.recorder.said)


class Sdk(RecordTest):
    def test_all_operations_of_the_sdk_are_recorded(self):
        if not compare.installed(SCRIPT):
            self.skipTest("the SDK is not installed")
        proxy = self.proxy(self.serve("--dialect", "couchbase", "--user", "client:secret"), "sdk.pcapng")
        done = subprocess.run(["node", SCRIPT, f"127.0.0.1:{proxy.port()}", "client", "secret", "default"],
                              capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.stop(proxy)
        self.assertNotIn("is not recorded", proxy.said)
        said = self.verify("sdk.pcapng", "--require-executed", "0")
        print(said)
        operations = int(re.search(r"(\d+) operations, all as documented", done.stdout)[1])
        rebuilt = int(re.search(r"([\d,]+) server frames rebuilt", said)[1].replace(",", ""))
        self.assertGreater(rebuilt, operations)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
