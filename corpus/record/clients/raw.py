#!/usr/bin/python3
"""Scenarios spoken over plain sockets: what client libraries do not send, or not in this order.

usage: raw.py SCENARIO HOST PORT [FILE]
FILE, for the scenarios that start before the recording does: go on when it exists.
"""
import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from mcbp import *  # noqa: E402,F403

HOST, PORT, SYNC = "127.0.0.1", 0, None


class Closed(Exception):
    pass


class Connection:
    """One TCP connection. Opaques count up, so that every answer can be told apart."""

    def __init__(self, source_port=None, reset=False):
        family = socket.AF_INET6 if ":" in HOST else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(10)
        if source_port is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind((HOST, source_port))
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.connect((HOST, PORT))
        self.opaque = 0x01000000

    def number(self, data):
        """Writes the next opaque into a frame."""
        self.opaque += 1
        return data[:12] + struct.pack("!I", self.opaque) + data[16:]

    def send(self, *frames):
        self.sock.sendall(b"".join(self.number(f) for f in frames))

    def exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise Closed
            data += part
        return data

    def receive(self):
        """The next frame: (opcode, status, cas, body)."""
        header = self.exactly(24)
        _, opcode, _, _, _, status, length, _, cas = struct.unpack("!BBHBBHIIQ", header)
        return opcode, status, cas, self.exactly(length)

    def ask(self, data):
        self.send(data)
        return self.receive()

    def batch(self, *frames):
        """Sends the frames in one write with a NOOP behind them; reads until that is answered."""
        self.send(*frames, request(NOOP))
        answers = []
        while True:
            answer = self.receive()
            if answer[0] == NOOP:
                return answers
            answers.append(answer)

    def stat(self, argument=b""):
        self.send(request(STAT, argument))
        while True:
            _, status, _, body = self.receive()
            if status or not body:
                return

    def closed(self):
        """The server closes, possibly after more answers."""
        try:
            while True:
                self.receive()
        except (Closed, ConnectionResetError):
            pass
        self.sock.close()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_for_sync():
    while not os.path.exists(SYNC):
        time.sleep(0.02)


def opcodes():
    """Every opcode once with a hit and once with a miss, one request at a time."""
    with Connection() as c:
        c.ask(request(VERSION))
        c.ask(request(NOOP))
        for missing in (REPLACE, ADD, ADD, SET, REPLACE):
            c.ask(store(missing, b"opcode:key", b"value-%02x" % missing, flags=0xDEADBEEF))
        for op in (GET, GETK, GETQ, GETKQ):
            c.ask(request(op, b"opcode:key"))
        for op in (GET, GETK):
            c.ask(request(op, b"opcode:absent"))
        for op in (APPEND, PREPEND):
            c.ask(request(op, b"opcode:key", value=b"<%02x>" % op))
            c.ask(request(op, b"opcode:absent", value=b"<%02x>" % op))
        c.ask(request(GET, b"opcode:key"))
        for op in (TOUCH, GAT, GATK, GATQ, GATKQ):
            c.ask(touch(op, b"opcode:key", 3600))
        for op in (TOUCH, GAT, GATK):
            c.ask(touch(op, b"opcode:absent", 3600))
        for op in (INCREMENT, INCREMENT, DECREMENT):
            c.ask(arith(op, b"opcode:count", 5, 100))
        for op in (INCREMENT, DECREMENT):
            c.ask(arith(op, b"opcode:absent", 5, 100, NO_CREATE))
        c.ask(request(DELETE, b"opcode:key"))
        c.ask(request(DELETE, b"opcode:key"))
        c.stat(b"")
        c.ask(request(SASL_LIST))
        c.ask(flush())
        c.ask(flush(delay=0))
        c.ask(request(GET, b"opcode:count"))
        c.ask(request(QUIT))
        c.closed()


def quiet():
    """Pipelines of quiet commands: what succeeds says nothing, what fails answers."""
    with Connection() as c:
        keys = [b"quiet:%03d" % i for i in range(40)]
        c.batch(*[store(SETQ, k, b"v" * i, flags=i) for i, k in enumerate(keys)])
        c.batch(*[request(GETQ, k) for k in keys[::2] + [b"quiet:none"] + keys[1::2]])
        c.batch(*[request(GETKQ, k) for k in [b"quiet:none1"] + keys[:5] + [b"quiet:none2"]])
        c.batch(*[request(GETKQ, b"quiet:none%d" % i) for i in range(10)])
        c.batch(store(ADDQ, b"quiet:new", b"1"), store(ADDQ, b"quiet:new", b"2"),
                store(REPLACEQ, b"quiet:new", b"3"), store(REPLACEQ, b"quiet:none", b"4"))
        c.batch(request(APPENDQ, b"quiet:new", value=b"-end"), request(APPENDQ, b"quiet:none", value=b"-end"),
                request(PREPENDQ, b"quiet:new", value=b"start-"), request(PREPENDQ, b"quiet:none", value=b"x"),
                request(GETQ, b"quiet:new"))
        c.batch(arith(INCREMENTQ, b"quiet:count", 1, 10), arith(INCREMENTQ, b"quiet:count", 7),
                arith(DECREMENTQ, b"quiet:count", 2), arith(DECREMENTQ, b"quiet:count2", 1, 5),
                arith(INCREMENTQ, b"quiet:none", 1, 0, NO_CREATE), arith(DECREMENTQ, b"quiet:none", 1, 0, NO_CREATE),
                arith(INCREMENTQ, b"quiet:new", 1), arith(INCREMENT, b"quiet:count", 0))
        c.batch(request(DELETEQ, keys[0]), request(DELETEQ, keys[0]), request(GETQ, keys[0]), request(GET, keys[0]))
        c.batch(touch(GATQ, keys[1], 500), touch(GATQ, b"quiet:none", 500),
                touch(GATKQ, keys[2], 500), touch(GATKQ, b"quiet:none", 500), touch(TOUCH, keys[3], 500))
        c.batch(*[f for i, k in enumerate(keys) for f in
                  (store(SETQ, k, b"round-two-%d" % i), request(GETQ, k), request(GET, b"quiet:none%d" % i))])
        c.batch(flush(FLUSHQ), *[request(GETQ, k) for k in keys])
        c.send(store(SETQ, b"quiet:last", b"last"), request(GET, b"quiet:last"), request(QUITQ))
        c.closed()


def errors():
    """Every way to be refused. Those after which memcached closes have a connection each."""
    with Connection() as c:
        c.ask(store(SET, b"error:text", b"not a number"))
        c.ask(arith(INCREMENT, b"error:text", 1))
        c.ask(arith(DECREMENTQ, b"error:text", 1))
        c.ask(store(ADD, b"error:text", b"again"))
        c.ask(store(REPLACE, b"error:none", b"x"))
        c.ask(request(APPEND, b"error:none", value=b"x"))
        c.ask(request(DELETE, b"error:none"))
        c.ask(request(DELETEQ, b"error:none"))
        c.ask(store(SET, b"error:text", b"x", cas=0xABCDEF))
        c.ask(store(SETQ, b"error:text", b"x", cas=0xABCDEF))
        c.ask(store(SET, b"error:none", b"x", cas=0xABCDEF))
        c.ask(store(SET, b"k" * 250, b"the longest key"))
        c.ask(request(GETK, b"k" * 250))
        for opcode in (0x25, 0x1B, 0x1F, 0x30, 0x7F, 0xA0, 0xFF):
            c.ask(request(opcode))
        c.ask(request(SASL_AUTH, b"PLAIN", value=b"\0user\0secret"))
        c.ask(request(SASL_STEP, b"PLAIN", value=b"\0user\0secret"))
        c.stat(b"no-such-statistic")
        c.stat(b"detail nonsense")
    closing = [
        store(SET, b"k" * 251, b"a key too long"),
        request(GET, b"k" * 251),
        request(GETQ, b"k" * 1000),
        request(GET),
        request(SET, b"error:key", b"\0\0\0\0", b"only four bytes of extras"),
        request(SET, b"", struct.pack("!II", 0, 0), b"no key"),
        request(GET, b"error:key", b"\0\0\0\0"),
        request(GET, b"error:key", value=b"a value in a get"),
        request(DELETE, b"error:key", value=b"a value in a delete"),
        request(INCREMENT, b"error:key", struct.pack("!QQ", 1, 2)),
        request(INCREMENT, b"error:key", struct.pack("!QQI", 1, 2, 0), b"a value in an increment"),
        request(NOOP, b"key"),
        request(NOOP, value=b"body"),
        request(VERSION, extras=b"\0\0\0\0"),
        request(QUIT, value=b"body"),
        request(FLUSH, extras=b"\0\0"),
        request(TOUCH, b"error:key"),
        request(GATKQ, b"error:key", b"\0" * 8),
        request(APPEND, b"error:key", b"\0\0\0\0", b"extras in an append"),
        request(STAT, b"settings", b"\0\0\0\0"),
        request(SASL_LIST, b"key"),
        request(SASL_AUTH, value=b"no mechanism"),
        request(GET, b"error:key", body_length=4),  # shorter than its key
        request(SET, b"error:key", b"\0" * 8, body_length=9),  # shorter than key and extras
    ]
    for data in closing:
        c = Connection()
        c.send(data)
        c.closed()
    # A frame with another magic is not answered at all: the connection ends.
    c = Connection()
    c.ask(request(NOOP))
    c.send(b"\x79" + request(NOOP)[1:])
    c.closed()


def unknown_body():
    """An unknown opcode with a body. memcached skips key and extras twice, so it eats into what follows."""
    with Connection() as c:
        c.ask(request(0xE0, value=b"a value only is skipped once"))
        c.ask(request(NOOP))
    with Connection() as c:
        # Nothing comes back until four more bytes have been sent ...
        c.send(request(VERBOSITY, extras=struct.pack("!I", 1)))
        c.sock.settimeout(0.5)
        try:
            c.receive()
        except socket.timeout:
            pass
        # ... and those are the first four of this request, which then cannot be understood.
        c.send(request(NOOP), request(NOOP))
        c.sock.settimeout(2)
        try:
            c.closed()
        except socket.timeout:
            pass


def cas():
    """Compare and swap: matching, stale, on an absent key, in every command that takes one."""
    with Connection() as c:
        token = c.ask(store(SET, b"cas:key", b"one"))[2]
        token2 = c.ask(store(SET, b"cas:key", b"two", cas=token))[2]
        c.ask(store(SET, b"cas:key", b"three", cas=token))
        c.ask(store(REPLACE, b"cas:key", b"three", cas=token))
        token3 = c.ask(store(REPLACE, b"cas:key", b"three", cas=token2))[2]
        c.ask(store(ADD, b"cas:key", b"four", cas=token3))
        c.ask(store(ADD, b"cas:none", b"four", cas=token3))
        token = c.ask(request(GET, b"cas:key"))[2]
        c.ask(request(APPEND, b"cas:key", value=b"+", cas=token + 1))
        token = c.ask(request(APPEND, b"cas:key", value=b"+", cas=token))[2]
        c.ask(request(PREPEND, b"cas:key", value=b"+", cas=token - 1))
        c.ask(request(PREPEND, b"cas:none", value=b"+", cas=token))
        token = c.ask(request(PREPEND, b"cas:key", value=b"+", cas=token))[2]
        token = c.ask(touch(TOUCH, b"cas:key", 100))[2]
        token = c.ask(touch(GAT, b"cas:key", 100))[2]
        c.ask(request(DELETE, b"cas:key", cas=token + 7))
        c.ask(request(DELETE, b"cas:key", cas=token))
        c.ask(request(DELETE, b"cas:none", cas=token))
        token = c.ask(arith(INCREMENT, b"cas:count", 1, 1))[2]
        token = c.ask(arith(INCREMENT, b"cas:count", 1, 1, cas=token))[2]
        c.ask(arith(INCREMENT, b"cas:count", 1, 1, cas=token - 1))
        c.ask(arith(DECREMENT, b"cas:count", 1, 1, cas=token - 1))
        c.ask(arith(DECREMENT, b"cas:count", 1, 1, cas=token))
        c.batch(store(SETQ, b"cas:q", b"1"), store(SETQ, b"cas:q", b"2", cas=1), request(DELETEQ, b"cas:q", cas=1),
                request(GET, b"cas:q"))


def numeric():
    """INCREMENT and DECREMENT at the edges of 64 bits, on text, and on what SET stored."""
    most = 2**64 - 1
    with Connection() as c:
        c.ask(arith(INCREMENT, b"n:wrap", 1, most))
        c.ask(arith(INCREMENT, b"n:wrap", 1))
        c.ask(arith(INCREMENT, b"n:wrap", most))
        c.ask(arith(INCREMENT, b"n:wrap", most))
        c.ask(arith(DECREMENT, b"n:wrap", most))
        c.ask(arith(DECREMENT, b"n:wrap", 1))
        c.ask(request(GET, b"n:wrap"))
        c.ask(arith(DECREMENT, b"n:new", 3, 10))
        for _ in range(5):
            c.ask(arith(DECREMENT, b"n:new", 3, 10))
        # A number keeps the length it had: shorter results are padded with spaces.
        c.ask(store(SET, b"n:pad", b"1000", flags=7))
        c.ask(arith(DECREMENT, b"n:pad", 995))
        c.ask(request(GET, b"n:pad"))
        c.ask(arith(INCREMENT, b"n:pad", 99999))
        c.ask(request(GET, b"n:pad"))
        for text in (b"", b" ", b"0", b"00012", b"12 ", b" 12", b"12x", b"-1", b"+1", b"0x10", b"1.5",
                     b"18446744073709551615", b"18446744073709551616", b"99999999999999999999", b"1" * 40, b"12\0"):
            c.ask(store(SET, b"n:text", text))
            c.ask(arith(INCREMENT, b"n:text", 1))
            c.ask(request(GET, b"n:text"))
        c.ask(arith(INCREMENT, b"n:zero", 0, 0))
        c.ask(arith(INCREMENT, b"n:zero", 0, 5))
        c.ask(arith(INCREMENT, b"n:short-lived", 1, 1, 100))
        c.ask(touch(GAT, b"n:short-lived", 0))


def expiry():
    """Items that run out of time while the recording goes on."""
    with Connection() as c:
        now = int(time.time())
        c.ask(store(SET, b"ttl:two", b"2 s", expiry=2))
        c.ask(store(SET, b"ttl:four", b"4 s", expiry=4))
        c.ask(store(SET, b"ttl:absolute", b"absolute", expiry=now + 3))
        c.ask(store(SET, b"ttl:past", b"past", expiry=now - 100))
        c.ask(store(SET, b"ttl:negative", b"negative", expiry=0xFFFFFFF0))
        c.ask(store(SET, b"ttl:month", b"30 days", expiry=30 * 86400))
        c.ask(store(SET, b"ttl:month+1", b"30 days and a second", expiry=30 * 86400 + 1))
        c.ask(store(SET, b"ttl:touched", b"kept alive", expiry=2))
        c.ask(store(SET, b"ttl:got", b"kept alive by a get", expiry=2))
        c.ask(store(SET, b"ttl:cut", b"cut short"))
        c.ask(store(SET, b"ttl:append", b"short", expiry=2))
        c.ask(request(APPEND, b"ttl:append", value=b"-lived"))
        c.ask(arith(INCREMENT, b"ttl:count", 1, 1, 2))
        names = [b"ttl:" + n for n in (b"two", b"four", b"absolute", b"past", b"negative", b"month", b"month+1",
                                       b"touched", b"got", b"cut", b"append", b"count")]
        for k in names:
            c.ask(request(GET, k))
        c.ask(touch(TOUCH, b"ttl:touched", 100))
        c.ask(touch(GAT, b"ttl:got", 100))
        c.ask(touch(GATK, b"ttl:cut", 1))
        time.sleep(3.5)
        for k in names:
            c.ask(request(GET, k))
        c.ask(store(ADD, b"ttl:two", b"added once it was gone"))
        c.ask(store(REPLACE, b"ttl:got", b"replaced"))
        c.ask(store(REPLACE, b"ttl:cut", b"too late"))
        c.ask(arith(INCREMENT, b"ttl:count", 1, 50))
        c.ask(request(DELETE, b"ttl:append"))
        time.sleep(2)
        for k in names:
            c.ask(request(GETK, k))


def flush_delay():
    """FLUSH at once and with a delay; what was stored before and between."""
    with Connection() as c:
        c.ask(store(SET, b"flush:a", b"before"))
        c.ask(flush(delay=3))
        c.ask(request(GET, b"flush:a"))
        c.ask(store(SET, b"flush:b", b"between"))
        c.ask(request(GET, b"flush:b"))
        time.sleep(5)
        c.ask(request(GET, b"flush:a"))
        c.ask(request(GET, b"flush:b"))
        c.ask(store(SET, b"flush:c", b"after"))
        c.ask(request(GET, b"flush:c"))
        c.batch(flush(FLUSHQ), store(SETQ, b"flush:d", b"same second"), request(GET, b"flush:c"),
                request(GET, b"flush:d"))
        c.ask(flush())
        c.ask(store(ADD, b"flush:d", b"same second"))
        c.ask(request(GET, b"flush:d"))
        time.sleep(1.5)
        c.ask(request(GET, b"flush:d"))
        # A flush at an absolute time, called off by an immediate one.
        c.ask(flush(delay=int(time.time()) + 2))
        c.ask(store(SET, b"flush:e", b"absolute"))
        c.ask(request(GET, b"flush:e"))
        time.sleep(4)
        c.ask(request(GET, b"flush:e"))


def stats():
    """STAT without and with arguments: rows of any number, then an empty one."""
    with Connection() as c:
        for i in range(20):
            c.ask(store(SET, b"stat:%d" % i, b"x" * (50 * i)))
        for argument in (b"", b"settings", b"items", b"slabs", b"sizes", b"conns", b"reset", b"detail on"):
            c.stat(argument)
        c.ask(request(GET, b"stat:1"))
        for argument in (b"detail dump", b"detail off", b"unknown", b""):
            c.stat(argument)
        c.send(request(STAT, b"items"), request(GET, b"stat:2"), request(NOOP))
        while c.receive()[0] != NOOP:
            pass


def pattern(n):
    return (b"".join(b"%07x\n" % i for i in range(n // 8 + 1)))[:n]


def large():
    """Values around the sizes where buffers split, up to the item limit of 1 MiB and beyond."""
    with Connection() as c:
        for base in (976, 2000, 4048, 8144, 16336, 65536):
            for size in (base - 29, base - 28, base - 27, base):
                c.ask(store(SET, b"large", pattern(size)))
                c.ask(request(GET, b"large"))
        c.ask(store(SET, b"large", pattern(300000), flags=1))
        c.ask(request(GETK, b"large"))
        c.ask(request(APPEND, b"large", value=pattern(300000)))
        c.ask(touch(GAT, b"large", 0))
        # Item header 48, CAS 8, key and NUL 6, CR LF 2; another 4 when there are flags.
        limit = 1048576 - 48 - 8 - 6 - 2
        c.ask(store(SET, b"large", pattern(limit)))
        c.ask(request(GET, b"large"))
        c.ask(request(APPEND, b"large", value=b"+"))
        c.ask(store(SET, b"large", pattern(limit), flags=1))
        c.ask(request(GET, b"large"))
        c.batch(store(SETQ, b"large", pattern(limit - 4), flags=1))
        c.ask(store(ADD, b"larg1", pattern(limit + 1)))
        c.ask(store(SET, b"large", pattern(limit + 1)))
        c.ask(request(GET, b"large"))
        c.ask(store(SETQ, b"large", pattern(1048576 + 1)))
        c.ask(request(APPENDQ, b"large", value=pattern(1048577)))
        c.ask(request(NOOP))


def concurrent():
    """Six connections, shared keys, everything at once."""
    barrier = threading.Barrier(6)

    def work(seed):
        rng = random.Random(seed)
        with Connection() as c:
            barrier.wait()
            seen = {}
            for i in range(60):
                key = b"shared:%d" % rng.randrange(8)
                count = b"count:%d" % rng.randrange(3)
                what = rng.randrange(10)
                if what < 2:
                    c.ask(store(SET, key, b"%d/%d " % (seed, i) * rng.randrange(1, 30), flags=seed))
                elif what < 5:
                    seen[key] = c.ask(request(GET, key))[2]
                elif what == 5:
                    c.ask(arith(INCREMENT, count, rng.randrange(100), 1))
                elif what == 6:
                    c.ask(request(APPEND, key, value=b"+%d" % seed))
                elif what == 7:
                    c.ask(store(SET, key, b"swapped by %d" % seed, cas=seen.get(key, 1)))
                elif what == 8:
                    c.ask(request(DELETE, key))
                else:
                    c.batch(*[store(SETQ, b"shared:%d" % k, b"batch %d" % seed) for k in range(3)],
                            *[request(GETKQ, b"shared:%d" % k) for k in range(8)], arith(DECREMENTQ, count, 3, 9))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 7)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def small_talk():
    """A little of everything, for the captures whose subject is the file format."""
    with Connection() as a, Connection() as b:
        for i in range(12):
            a.ask(store(SET, b"talk:%d" % i, b"value %d" % i, flags=i))
            b.ask(request(GETK, b"talk:%d" % i))
            b.ask(arith(INCREMENT, b"talk:count", 2, 1))
            a.ask(request(GET, b"talk:none"))
        a.batch(*[request(GETKQ, b"talk:%d" % i) for i in range(20)])
        b.ask(request(QUIT))
        b.closed()


def rotate():
    """Enough for a recorder that starts a new file in between; most of the time a request is half sent."""
    with Connection() as c:
        for i in range(60):
            for data in (store(SET, b"rotate:%d" % i, b"%03d " % i * 100), request(GET, b"rotate:%d" % i)):
                data = c.number(data)
                c.sock.sendall(data[:len(data) // 2])
                time.sleep(0.02)
                c.sock.sendall(data[len(data) // 2:])
                c.receive()


def midstream():
    """The recording begins while a value is on its way."""
    with Connection() as c:
        for i in range(5):
            c.ask(store(SET, b"mid:%d" % i, b"before the recording"))
        data = c.number(store(SET, b"mid:value", pattern(2000)))
        c.sock.sendall(data[:1000])
        wait_for_sync()
        c.sock.sendall(data[1000:])
        c.receive()
        for i in range(8):
            c.ask(request(GET, b"mid:%d" % i))
        c.ask(request(GET, b"mid:value"))
        c.ask(store(SET, b"mid:0", b"during the recording"))
        c.ask(request(GET, b"mid:0"))


def port_reuse():
    """One client port, five connections: ended by RST, by QUIT, by FIN."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    for i in range(4):
        with Connection(port, reset=i % 2 == 0) as c:
            c.ask(store(SET, b"reuse", b"connection %d" % i))
            c.ask(request(GET, b"reuse"))
            if i % 2:
                c.ask(request(QUIT))
                c.closed()
    with Connection(port) as c:
        c.ask(request(GET, b"reuse"))


def segments():
    """A client that writes its requests in pieces, each of which the kernel sends at once."""
    rng = random.Random(24)
    with Connection() as c:
        for step in (1, 23, 24, 25, 7):
            data = b"".join(c.number(f) for f in (
                store(SET, b"seg:%d" % step, b"cut every %d bytes" % step), request(GETK, b"seg:%d" % step),
                store(SETQ, b"seg:q", b"q" * step), request(NOOP)))
            for at in range(0, len(data), step):
                c.sock.sendall(data[at:at + step])
                time.sleep(0.001 * rng.random())
            while c.receive()[0] != NOOP:
                pass


def udp():
    """One datagram a request; answers of one and of many datagrams."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(2)
    sock.connect((HOST, PORT))

    def ask(number, data, answers=1):
        sock.send(struct.pack("!HHHH", number, 0, 1, 0) + data[:12] + struct.pack("!I", number) + data[16:])
        while answers:
            _, sequence, total, _ = struct.unpack("!HHHH", sock.recv(65536)[:8])
            answers -= sequence + 1 == total

    ask(1, request(VERSION))
    ask(2, store(SET, b"udp:small", b"small", flags=3))
    ask(3, request(GET, b"udp:small"))
    ask(4, request(GETK, b"udp:none"))
    ask(5, arith(INCREMENT, b"udp:count", 1, 41))
    ask(6, arith(INCREMENT, b"udp:count", 1, 41))
    ask(7, store(SET, b"udp:large", pattern(20000)))
    ask(8, request(GET, b"udp:large"))
    ask(0xFFFF, touch(GAT, b"udp:large", 100))
    ask(0, request(DELETE, b"udp:none"))
    for edge in (1392 - 28, 1392 - 27, 2 * 1392 - 28):
        ask(100, store(SET, b"udp:edge", pattern(edge)))
        ask(101, request(GET, b"udp:edge"))
    ask(102, request(STAT))
    ask(103, store(SETQ, b"udp:quiet", b"no answer"), 0)
    ask(104, request(GETQ, b"udp:quiet"))
    ask(105, request(NOOP))
    sock.close()


def text():
    """The text protocol, for the captures that mix protocols."""
    sock = socket.create_connection((HOST, PORT))
    sock.settimeout(5)
    for line in (b"version\r\n", b"set text:key 0 0 5\r\nhello\r\n", b"get text:key text:none\r\n",
                 b"incr text:key 1\r\n", b"mg text:key v\r\n", b"stats settings\r\n", b"delete text:key\r\n",
                 b"verbosity 1\r\n", b"nonsense\r\n"):
        sock.sendall(line)
        time.sleep(0.02)
        sock.recv(65536)
    sock.sendall(b"quit\r\n")
    sock.recv(1)
    sock.close()


if __name__ == "__main__":
    name, HOST, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
    SYNC = sys.argv[4] if len(sys.argv) > 4 else None
    globals()[name]()
