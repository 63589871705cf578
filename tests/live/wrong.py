"""A server that is wrong on purpose: each fault is found, once, and named; and nothing ever hangs."""
import signal
import socket
import subprocess
import threading
import time

from live import (CLOSE, PATIENCE, Run, Scripted, capture, check, failures, finish, mcbp, packets, program, project,
                  recorded, scratch, struct)

GET, SET, NOOP, GETQ, SETQ = mcbp.GET, mcbp.SET, mcbp.NOOP, mcbp.GETQ, mcbp.SETQ


def get(opaque, key=b"k", opcode=GET):
    return mcbp.request(opcode, key, opaque=opaque)


def put(opaque, value=b"value", key=b"k", opcode=SET, **more):
    return mcbp.store(opcode, key, value, opaque=opaque, **more)


CALM_REQUESTS = put(1), get(2), get(3), get(4)
CALM = recorded(*CALM_REQUESTS, name="calm.pcap")
CROWDED = recorded(put(1), *[get(i) for i in range(2, 20)], name="crowded.pcap", together=True)
QUIET = recorded(put(1, opcode=SETQ), get(2, b"none", GETQ), get(3, opcode=GETQ), mcbp.request(NOOP, opaque=4),
                 name="quiet.pcap", together=True)
CAS = recorded(put(1), get(2), put(3, b"new", cas=1), get(4), put(5, b"x", cas=1), get(6), name="cas.pcap")


def changed(at, bit=1, which=2):
    """One bit of the answer to the request of that number is another."""
    def fault(number, opcode, answer):
        if number != which or at >= len(answer):
            return answer
        return answer[:at] + bytes([answer[at] ^ bit]) + answer[at + 1:]
    return fault


def right_servers():
    for path in CALM, CROWDED, QUIET, CAS:
        with Scripted() as server:
            run = Run(server.address, path).expect(f"a right server, {path.name}", 0, different=0, missing=0,
                                                   unexpected=0, not_compared=0)
            check(run.replayed["compared"] > 0, "something was compared")


def one_bit():
    fields = [(0, 1, "header.magic"), (1, 0x40, "header.opcode"), (5, 1, "header.datatype"), (7, 1, "header.status"),
              (12, 0x80, "header.opaque"), (15, 0x40, "header.opaque"), (16, 1, "header.cas"), (23, 1, "header.cas"),
              (4, 1, "header.extras_length"), (3, 1, "header.key_length"), (24, 1, "extras"), (28, 1, "value+0"),
              (32, 0x80, "value+4")]
    for path in CALM, CROWDED:
        for at, bit, field in fields:
            with Scripted(changed(at, bit)) as server:
                run = Run(server.address, path, "--timeout", 5)
                run.expect(f"{path.name}: a bit of {field}", 1, different=1, missing=0, unexpected=0, malformed=0)
                found = [d["field"] for d in run.differences]
                check(found == [field], f"{path.name}: {found} instead of {field}")
                check(run.seconds < 4, f"{field}: found out in {run.seconds} s only")


def masked():
    with Scripted(changed(28)) as server:
        Run(server.address, CALM, "--mask", "GET:value").expect("a masked field", 0, different=0)


def cas_values():
    with Scripted() as server:
        run = Run(server.address, CAS).expect("a CAS in a request", 0)
        sent = [struct.unpack_from("!Q", r, 16)[0] for r in server.requests]
        check(sent[:6] == [0, 0, 1001, 0, 1001, 0], f"CAS values sent: {sent}")
        check(run.report["captures"][0]["cas_adopted"] == 2, "CAS values learnt")

    class Frozen(Scripted):  # changes keep the CAS
        def answer(self, header, body):
            self.cas = 1000
            return super().answer(header, body)
    with Frozen() as server:
        run = Run(server.address, CAS).expect("a CAS that never changes", 1)
        check(all(d["field"] == "header.cas" or d["opcode"] == "SET" for d in run.differences), "its field")
        check(run.differences[0]["field"] == "header.cas", "the first difference is the CAS")
    # A CAS that was wrong stays wrong, even if this server, which begins with 1001, has given it out.
    stale = recorded(put(1), put(2, b"x", cas=1001), get(3), name="stale.pcap")
    with Scripted() as server:
        Run(server.address, stale).expect("a wrong CAS that another server gives", 0, identical=3)


def one_cas_twice():
    """The recorded CAS of two changes are 1 and 2; the server gives 2 to both."""
    path = recorded(put(1, key=b"a"), put(2, key=b"b"), name="two.pcap")
    with Scripted(lambda n, o, a: a[:16] + struct.pack("!Q", 2) + a[24:]) as server:
        run = Run(server.address, path).expect("a CAS given twice", 1, different=1)
        check("has given this CAS before" in run.out, run.out)


def range_scans():
    """RANGE_SCAN_CONTINUE is answered until it does not succeed."""
    scan = 0xDB  # RANGE_SCAN_CONTINUE
    rows = [mcbp.response(scan, opaque=7, value=b"row%d" % i) for i in range(2)]
    end = mcbp.response(scan, opaque=7, status=0xA6)  # more is to be asked for

    def talk(conversation):
        conversation.client(mcbp.request(scan, extras=bytes(28), opaque=7))
        conversation.server(*rows, end)
    path = capture("scan.pcap", talk)
    for what, answer, status, missing in (("all rows", rows[0] + rows[1] + end, 0, 0), ("a row less", rows[0] + end, 1, 1)):
        with Scripted(lambda n, o, a: answer if o == scan else a) as server:
            Run(server.address, path, "--timeout", 3).expect(f"a range scan with {what}", status, missing=missing)


def slow():
    class Slow(Scripted):  # what is told that no more comes while it answers, drops the rest
        def answer(self, header, body):
            self.client.settimeout(0.05)
            answer = super().answer(header, body)
            for i in range(len(answer) - 1 if header[1] == GET else 0):
                self.client.sendall(answer[i:i + 1])
                if self.has_ended():
                    return b""
            return answer[-1:] if header[1] == GET else answer

        def has_ended(self):
            try:
                return self.client.recv(1, socket.MSG_PEEK) == b"" or time.sleep(0.05) is not None
            except TimeoutError:
                return False

        def talk(self, client):
            self.client = client
            super().talk(client)
    with Slow() as server:
        Run(server.address, "--timeout", 20, recorded(put(1), get(2), name="slow.pcap")).expect("a slow one", 0)


def interrupted():
    for more in (), ("--tls",):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = "127.0.0.1:%d" % listener.getsockname()[1]
            command = [program, "replay", "--to", address, "--timeout", "50", *more, str(CALM)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                with listener.accept()[0] as client:
                    client.recv(1)
                    began = time.monotonic()
                    process.send_signal(signal.SIGINT)
                    out = process.communicate(timeout=PATIENCE)[0]
            check(process.returncode == 4 and time.monotonic() - began < 30, f"SIGINT with a silent server: {out}")
            check("nterrupted" in out and "one direction" not in out, out)


def hints():
    absent = mcbp.error(GET, mcbp.ENOENT, opaque=2)
    with Scripted(lambda n, o, a: absent if n == 1 else a) as server:
        run = Run(server.address, CALM).expect("another status", 1, different=1)
        check("response   SUCCESS, opaque 0x00000002, 33 bytes (server: KEY_NOT_FOUND)" in run.out, run.out)
        check("has to hold what" in run.out and "--speed original" in run.out, run.out)
        check("--mask" not in run.out, f"no mask covers a status: {run.out}")
    with Scripted(changed(28)) as server:
        check("--mask 'GET:value'" in Run(server.address, CALM).out, "another value")
        run = Run(server.address, project / "corpus/made/udp.pcap").expect("UDP", 4, compared=0)
        check("requests over UDP are not replayed" in run.out and "one direction" not in run.out, run.out)
    with Scripted(lambda n, o, a: CLOSE if n == 2 else a) as server:
        check("--speed original sends them as they came" in Run(server.address, CALM).out, "a server that closes")
    with Scripted(lambda n, o, a: None) as server:
        check("hint" not in Run(server.address, "--timeout", 1, CALM).out, "a silent server")
    with Scripted(lambda n, o, a: mcbp.frame(0x81, GET, opaque=2, body_length=40 << 20) if n == 1 else a) as server:
        check("announces 41943040 bytes; --frame-max is 33554432" in Run(server.address, CALM).out, "a huge answer")


def missing():
    for path, which in (CALM, 1), (CALM, 3), (CROWDED, 1), (CROWDED, 18):
        with Scripted(lambda n, o, a: b"" if n == which else a) as server:
            run = Run(server.address, path, "--timeout", 5).expect(f"{path.name}: no answer to {which}", 1, missing=1,
                                                                   different=0, unexpected=0)
            check([d["kind"] for d in run.differences] == ["missing"], "kind")
    with Scripted(lambda n, o, a: b"" if o == GETQ else a) as server:
        Run(server.address, QUIET).expect("no answer to a quiet hit", 1, missing=1, different=0)


def unexpected():
    with Scripted(lambda n, o, a: mcbp.response(SETQ, opaque=1, cas=9) if o == SETQ else a) as server:
        run = Run(server.address, QUIET).expect("an answer to a quiet request", 1, unexpected=1, missing=0, different=0)
        check([d["opcode"] for d in run.differences] == ["SETQ"], "its opcode")
    for path in CALM, CROWDED:
        for which in 0, 2, 3, 18:
            with Scripted(lambda n, o, a: a + a if n == which and o != NOOP else a) as server:
                there = which < len(path.read_bytes()) and (path is CROWDED or which < 4)
                Run(server.address, path).expect(f"{path.name}: the answer to {which} twice", int(there),
                                                 unexpected=int(there), missing=0, different=0)


def closes():
    for path, which in (CALM, 0), (CALM, 2), (CROWDED, 5):
        with Scripted(lambda n, o, a: CLOSE if n >= which else a) as server:
            run = Run(server.address, path).expect(f"{path.name}: closes at {which}", 4, missing=0)
            check("closed connection 1" in run.out and server.address in run.out, f"what it says: {run.out}")
            check(run.seconds < 4, "at once")
    with Scripted(lambda n, o, a: a[:-1] if n == 3 else CLOSE if n > 3 else a) as server:
        run = Run(server.address, CALM, "--timeout", 5).expect("closes within an answer", 4)
    with Scripted(lambda n, o, a: b"HTTP/1.1 400 Bad Request\r\n\r\n" if n == 2 else a) as server:
        run = Run(server.address, CALM).expect("bytes that are no frame", 4, malformed=1)
        check("also DIFFERENT" in run.out, "the difference beside")


def closes_without_a_reason():
    tail = recorded(put(1), put(2, opcode=SETQ), put(3, opcode=SETQ), name="tail.pcap", together=True)
    with Scripted() as server:
        Run(server.address, tail).expect("quiet requests at the end", 0)
    with Scripted(lambda n, o, a: CLOSE if o == SETQ else a) as server:
        run = Run(server.address, tail).expect("closes at a quiet request", 4)
        check("closed connection 1" in run.out, f"what it says: {run.out}")
    with Scripted(lambda n, o, a: (a, CLOSE) if n == 3 else a) as server:
        Run(server.address, CALM).expect("closes behind the last answer", 4, different=0, missing=0)


def last_words():
    def talk(conversation):
        conversation.client(put(1))
        conversation.server(mcbp.response(SET, opaque=1, cas=1))
        conversation.client(put(2, opcode=SETQ), mcbp.request(mcbp.QUITQ, opaque=3))
        conversation.segment(1, len(conversation.sent[1]), flags=0x11)
        conversation.segment(0, len(conversation.sent[0]), flags=0x11)

    for what, more, counts in (("QUIT answered twice", mcbp.response(mcbp.QUIT, opaque=2), {"unexpected": 1}),
                               ("an answer to nothing", mcbp.response(SET, opaque=9), {"unexpected": 1}),
                               ("half a header", b"\x81\0\0", {"malformed": 1})):
        with Scripted(lambda n, o, a: (a + more, CLOSE) if o == mcbp.QUIT else a) as server:
            Run(server.address, quits()).expect(f"{what}, and then closes", 1, missing=0, different=0, **counts)
    for answer, status in (b"\x81\0\0", 1), (mcbp.response(mcbp.QUITQ, opaque=3)[:-1], 1), (b"", 0):
        with Scripted(lambda n, o, a: (answer, CLOSE) if o == mcbp.QUITQ else a) as server:
            run = Run(server.address, capture("quitq.pcap", talk, closed=False))
            run.expect(f"{answer} to QUITQ", status, malformed=status, unexpected=0, missing=0)


def later_loops():
    first = len(CALM_REQUESTS) + 1  # and our NOOP
    for what, fault in (("closes", CLOSE), ("no frames", b"HTTP/1.1 400 Bad Request\r\n\r\n"), ("only NOOPs", b"")):
        with Scripted(lambda n, o, a: a if n < first or (o == NOOP and not fault) else fault) as server:
            Run(server.address, "--loop", 3, CALM).expect(f"{what} when played again", 4, different=0, missing=0)
    with Scripted() as server:
        Run(server.address, "--loop", 3, CALM).expect("a right server, three times", 0)


def quits(connections=1):
    sent = []
    for i in range(connections):
        conversation = packets.Conversation(client=("192.0.2.1", 40001 + i), packets=sent)
        conversation.open()
        conversation.client(mcbp.request(mcbp.QUIT, opaque=2))
        conversation.server(mcbp.response(mcbp.QUIT, opaque=2))
        conversation.segment(1, len(conversation.sent[1]), flags=0x11)
        conversation.segment(0, len(conversation.sent[0]), flags=0x11)
    path = scratch / f"quit-{connections}.pcap"
    path.write_bytes(packets.pcap(sent))
    return path


def stays_open():
    path = quits()
    with Scripted() as server:
        Run(server.address, path).expect("closes after QUIT", 0, unexpected=0)

    class Stays(Scripted):
        def talk(self, client):
            while (header := client.recv(24)):
                client.sendall(self.answer(header, b""))
    with Stays() as server:
        run = Run(server.address, path).expect("stays open after QUIT", 1, unexpected=1)
        check([d["kind"] for d in run.differences] == ["end"], "its kind")
        check("the end of the connection differs after QUIT" in run.out and "still answers" in run.out, run.out)
        run = Run(server.address, "--pipeline", 4, path).expect("stays open after QUIT, pipelined", 1, unexpected=1)

    class Ignores(Stays):  # until the client's end
        def answer(self, header, body):
            return super().answer(header, body) if header[1] != NOOP else b""

        def talk(self, client):
            with client:
                super().talk(client)

    class Lingers(Ignores):  # even then
        def talk(self, client):
            Stays.talk(self, client)
            threading.Event().wait(PATIENCE)
    for server in Ignores(), Lingers():
        with server:
            closes = not isinstance(server, Lingers)
            for more in (), ("--pipeline", 64):
                run = Run(server.address, "--timeout", 1, *more, quits(3), path)
                stops = not closes and not more  # one connection after the other: the second one's NOOP stops it
                run.expect("neither closes nor answers", 4 if stops else 1, missing=0, different=0)
                check("has not closed it for 1.000 s, nor answered a NOOP" in run.out, run.out)
                check(run.seconds < 30, f"{run.seconds} s until a server that does not close was told of")
                check([c["status"] for c in run.report["captures"]] == ([4, 4] if stops else [1, 1]), run.out)
    with Scripted() as one, Stays() as other:  # each alone against the other, and two of a kind
        Run(other.address, "--against", one.address, path).expect("open, unlike the other", 1, unexpected=1)
        run = Run(one.address, "--against", other.address, path).expect("closed, unlike the other", 1, unexpected=1)
        check("the other server is still open" in run.out, run.out)
        Run(other.address, "--against", other.address, path).expect("both are open", 0, unexpected=0)


def asks():
    push, opened = mcbp.frame(0x82, 0x01, key=b"bucket", opaque=7), put(1)
    answer = mcbp.response(SET, opaque=1, cas=1)

    def talk(conversation):
        conversation.client(opened)
        conversation.server(answer, push)
    there = capture("asks.pcap", talk)

    class Asks(Scripted):
        def answer(self, header, body):
            return super().answer(header, body) + (push + push if header[1] == SET else b"")
    with Asks() as server:
        run = Run(server.address, there).expect("requests of the server, as recorded", 0, unexpected=0)
        check(run.replayed["live_server_requests"] == 2, "counted")
        run = Run(server.address, CALM).expect("requests of the server, where none was recorded", 1, unexpected=2)
        check([(d["kind"], d["magic"]) for d in run.differences] == [("unexpected", 0x82)], f"{run.differences}")
        check("2 of them on this connection, and there none" in run.out, run.out)
    with Asks() as one, Scripted() as other:
        Run(one.address, "--against", other.address, there).expect("requests of one server only", 1, unexpected=2)
    with Asks() as one, Asks() as other:
        Run(one.address, "--against", other.address, CALM).expect("requests of both servers", 0, unexpected=0)


def silent():
    for path in CALM, CROWDED, QUIET:
        with Scripted(lambda n, o, a: None) as server:
            run = Run(server.address, path, "--timeout", 1).expect(f"{path.name}: a silent server", 4)
            check("no answer for 1.000 s" in run.out, f"what it says: {run.out}")
            check(run.seconds < 10, f"{run.seconds} s until a silent server was given up")
    with socket.create_server(("127.0.0.1", 0)) as listener:  # connects, and never reads
        run = Run("127.0.0.1:%d" % listener.getsockname()[1], CROWDED, "--timeout", 1).expect("nobody accepts", 4)


def nobody():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "127.0.0.1:%d" % listener.getsockname()[1]
    run = Run(address, CALM, CROWDED).expect("nobody listens", 4)
    check("Connection refused" in run.out and address in run.out, f"what it says: {run.out}")
    Run("unix:/nonexistent/socket", CALM).expect("no such socket", 4)
    check(Run("no-such-host.invalid:1", CALM).status == 4, "no such host")
    for wrong in "nonsense", "", ":", "localhost:99999", "unix:":
        run = Run(wrong, CALM)
        check(run.status == 2 and f"--to: '{wrong}' is not of the form" in run.err, f"no address: {wrong} {run.err}")


for test in (right_servers, one_bit, masked, cas_values, one_cas_twice, range_scans, slow, interrupted, hints, missing, unexpected, closes,
             closes_without_a_reason, last_words, later_loops, stays_open, asks, silent, nobody):
    before = len(failures)
    began = time.monotonic()
    test()
    print("%-14s %s, %.1f s" % (test.__name__, "ok" if len(failures) == before else "FAILED", time.monotonic() - began))
finish()
