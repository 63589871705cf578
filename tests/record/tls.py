"""kvreplay record with TLS at either side. Usage: PROGRAM CERTIFICATE-MAKER"""

import socket
import ssl
import subprocess
import sys
import unittest

from recording import PATIENCE, RecordTest, path, receive_all

MAKER = sys.argv[2]
from proxy import NOOP, answer, get_of, set_of

CERTIFICATE = path("certificate.pem")
OTHER = path("other.pem")


class Piece:
    """TLS of a client that says when its records are sent."""

    def __init__(self, client, certificate):
        self.client = client
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=certificate)
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.insist(self.tls.do_handshake)
        self.flush()

    def flush(self):
        self.client.sendall(self.outgoing.read())

    def insist(self, step, *arguments):
        while True:
            try:
                return step(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.client.recv(1 << 16) or self.fail())

    def fail(self):
        raise AssertionError("closed without close_notify")

    def send_at_once(self, *parts, cut):
        """All of it in one piece, a record up to `cut` and others behind it, and the end of TLS."""
        sent = b"".join(parts)
        self.tls.write(sent[:cut])
        self.tls.write(sent[cut:])
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()

    def receive_all(self):
        got = b""
        while True:
            try:
                more = self.insist(self.tls.read, 1 << 16)
            except ssl.SSLZeroReturnError:
                return got
            if not more:
                return got
            got += more


def setUpModule():
    for name in (CERTIFICATE, OTHER):
        subprocess.run([MAKER, name], check=True)


class Tls(RecordTest):
    def secure(self, client):
        context = ssl.create_default_context(cafile=CERTIFICATE)
        context.check_hostname = False
        secured = context.wrap_socket(client)
        self.addCleanup(secured.close)
        return secured

    def talk(self, client):
        """Values larger than a record, and than what the proxy holds."""
        client.sendall(set_of(b"key", 1000000) + get_of(b"key") * 20 + NOOP)
        self.assertEqual(len(answer(client)), 24)
        for _ in range(20):
            self.assertEqual(len(answer(client)), 24 + 4 + 1000000)
        self.assertEqual(len(answer(client)), 24)

    def expect_all(self, proxy, name):
        self.stop(proxy)
        self.assertIn("identical: 22 server frames rebuilt, 22 executed", self.expect_identical(name))

    def test_towards_clients(self):
        proxy = self.proxy(self.serve(), "clients.pcapng", "--tls-cert", CERTIFICATE)
        client = self.secure(self.connect(proxy))
        self.talk(client)
        client.close()
        self.expect_all(proxy, "clients.pcapng")

    def test_towards_the_server(self):
        server = self.serve("--tls-cert", CERTIFICATE)
        proxy = self.proxy(f"localhost:{server.port()}", "server.pcapng", "--tls", "--tls-ca", CERTIFICATE)
        client = self.connect(proxy)
        self.talk(client)
        client.close()
        self.expect_all(proxy, "server.pcapng")

    def test_at_both_sides(self):
        server = self.serve("--tls-cert", CERTIFICATE)
        proxy = self.proxy(f"localhost:{server.port()}", "both.pcapng", "--tls", "--tls-ca", CERTIFICATE, "--tls-cert", CERTIFICATE)
        client = self.secure(self.connect(proxy))
        self.talk(client)
        client.close()
        self.expect_all(proxy, "both.pcapng")

    def test_a_client_that_has_ended_still_gets_its_answers(self):
        server = self.serve("--tls-cert", CERTIFICATE)
        proxy = self.proxy(f"localhost:{server.port()}", "end.pcapng", "--tls", "--tls-ca", CERTIFICATE)
        client = self.connect(proxy)
        client.sendall(set_of(b"key", 1000000) + get_of(b"key") * 5)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(len(receive_all(client)), 24 + 5 * (24 + 4 + 1000000))
        self.stop(proxy)
        self.assertIn("identical: 6 server frames rebuilt", self.expect_identical("end.pcapng"))

    def test_requests_and_the_end_of_tls_in_one_piece_are_handed_on(self):
        proxy = self.proxy(self.serve(), "piece.pcapng", "--tls-cert", CERTIFICATE)
        for cut in range(500, 20000, 500):
            client = self.connect(proxy)
            tls = Piece(client, CERTIFICATE)
            tls.send_at_once(set_of(b"key", 20000), get_of(b"key"), cut=cut)
            self.assertEqual(len(tls.receive_all()), 24 + 24 + 4 + 20000)
            client.close()
        self.stop(proxy)
        self.assertIn("identical: 78 server frames rebuilt", self.expect_identical("piece.pcapng"))

    def test_the_end_comes_through_a_proxy_towards_clients(self):
        proxy = self.proxy(self.serve(), "quit.pcapng", "--tls-cert", CERTIFICATE)
        client = self.secure(self.connect(proxy))
        client.sendall(b"\x80\x07" + bytes(22))  # QUIT
        self.assertEqual(len(receive_all(client)), 24)
        self.stop(proxy)
        self.expect_identical("quit.pcapng")

    def test_a_certificate_that_nobody_trusts_is_said_and_nothing_is_handed_on(self):
        server = self.serve("--tls-cert", CERTIFICATE)
        proxy = self.proxy(f"localhost:{server.port()}", "untrusted.pcapng", "--tls", "--tls-ca", OTHER)
        client = self.connect(proxy)
        with self.assertRaises(ConnectionResetError):
            client.sendall(NOOP)
            client.recv(1)
        self.stop(proxy, 4)
        self.assertRegex(proxy.said, "certificate verify failed: self.signed certificate; --tls-ca names")

    def test_a_certificate_of_another_host_is_refused(self):
        server = self.serve("--tls-cert", CERTIFICATE)  # which is for localhost
        proxy = self.proxy(f"127.0.0.1:{server.port()}", "host.pcapng", "--tls", "--tls-ca", CERTIFICATE)
        with self.assertRaises(ConnectionResetError):
            self.connect(proxy).recv(1)
        self.stop(proxy, 4)
        self.assertIn("certificate verify failed: IP address mismatch\n", proxy.said)

    def test_a_server_without_tls_is_said(self):
        proxy = self.proxy(f"localhost:{self.serve('--idle-timeout', '1').port()}", "plain.pcapng", "--tls", "--tls-ca", CERTIFICATE)
        client = self.connect(proxy)
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.stop(proxy, 4)
        self.assertIn("not handed on: 1", proxy.said)

    def test_a_client_without_tls_is_said(self):
        proxy = self.proxy(self.serve(), "plain.pcapng", "--tls-cert", CERTIFICATE)
        client = self.connect(proxy)
        client.sendall(NOOP)
        try:
            while client.recv(100):
                pass
        except ConnectionResetError:
            pass
        self.stop(proxy, 4)
        self.assertIn("TLS: ", proxy.said)
        self.assertIn("not handed on: 1", proxy.said)

    def test_files_of_no_use_are_said(self):
        for option in ("--tls-cert", "--tls-ca"):
            done = self.run_program("record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "--tls",
                                    option, "/dev/null", "-o", path("none.pcapng"))
            self.assertEqual(done.returncode, 70)
            self.assertIn("/dev/null: ", done.stderr)
            done = self.run_program("record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "--tls",
                                    option, path("none.pem"), "-o", path("none.pcapng"))
            self.assertEqual(done.returncode, 70)
            self.assertIn("none.pem: No such file", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
