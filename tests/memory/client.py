"""A client, of a server whose allocations fail."""
import socket
import ssl
import struct

GET, SET, NOOP = 0, 1, 0x0a
PATIENCE = 20 # seconds


def request(opcode, key=b"", extras=b"", value=b""):
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0,
                       len(extras) + len(key) + len(value), 0, 0) + extras + key + value


def store(key, value):
    return request(SET, key, bytes(8), value)


def retrieve(key):
    return request(GET, key)


class Closed(Exception):
    """The other side has ended the connection, or broken it off."""


# TLS may be broken off in the midst of a record or of its handshake.
BROKEN = (ConnectionError, ssl.SSLError)


class Client:
    tls = None # the context in which all of them speak TLS

    def __init__(self, port):
        try:
            self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
            if self.tls is not None:
                self.socket = self.tls.wrap_socket(self.socket)
        except BROKEN as error:
            raise Closed from error

    def send(self, data):
        try:
            self.socket.sendall(data)
        except BROKEN as error:
            raise Closed from error

    def receive(self, size):
        data = b""
        while len(data) < size:
            try:
                got = self.socket.recv(size - len(data))
            except BROKEN as error:
                raise Closed from error
            if not got:
                raise Closed
            data += got
        return data

    def answer(self):
        """The status and the value."""
        header = self.receive(24)
        extras, status, body = header[4], *struct.unpack(">HI", header[6:12])
        return status, self.receive(body)[extras:]

    def close(self):
        self.socket.close()


def speak_tls():
    """From here on all clients do, whatever the certificate."""
    Client.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    Client.tls.check_hostname = False
    Client.tls.verify_mode = ssl.CERT_NONE


def attempt(call, *arguments):
    """None: the connection was closed."""
    try:
        return call(*arguments)
    except Closed:
        return None
