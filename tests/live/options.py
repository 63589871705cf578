"""The options of replay."""
import os
import signal
import ssl
import subprocess

from live import (PATIENCE, Run, Scripted, check, failures, finish, has_memcached, json, mcbp, memcached, packets,
                  program, project, recorded, scratch, serve, struct, time)


def get(opaque, key=b"k"):
    return mcbp.request(mcbp.GET, key, opaque=opaque)


def put(opaque, key=b"k"):
    return mcbp.store(mcbp.SET, key, b"value", opaque=opaque)


SAME = recorded(put(0), *[get(0, b"k%d" % (i % 2)) for i in range(49)], name="same-opaques.pcap")
MANY = recorded(put(1), *[get(i) for i in range(2, 401)], name="many.pcap")
TOGETHER = recorded(put(1), *[get(i) for i in range(2, 3001)], name="together.pcap", together=True)
SILENCE = recorded(*[mcbp.store(mcbp.SETQ, b"k%d" % i, b"v", opaque=i) for i in range(5000)],
                   mcbp.request(mcbp.NOOP, opaque=7), name="silence.pcap")


def limit():
    with Scripted() as server:
        run = Run(server.address, "--limit", 10, MANY).expect("--limit", 0, compared=10)
        check(run.report["performance"]["requests"] == 10, "requests sent")
        check(len([r for r in server.requests if r[1] != mcbp.NOOP]) == 10, "requests that the server saw")


def loop():
    with Scripted() as server:
        run = Run(server.address, "--loop", 3, MANY, SAME).expect("--loop", 0, compared=450)
        check(run.report["performance"]["requests"] == 3 * 450, "requests sent")
        check(run.report["performance"]["answers"] == 3 * 450, "answers")
        check(server.connections == 6, f"new connections each time, not {server.connections}")


def rate():
    with Scripted() as server:
        run = Run(server.address, "--rate", 100, "--limit", 31, MANY).expect("--rate", 0, compared=31)
        check(run.report["performance"]["seconds"] >= 0.3, "31 requests at 100 a second take 0.3 s at least")


def speed():
    start = packets.Conversation()
    start.open()
    model = Scripted()
    for i in range(3):
        start.client(get(i))
        start.server(model.answer(get(i)[:24], b"k"))
    start.close()
    path = scratch / "slow.pcap"  # a packet each 250 ms
    records = [packets.pcap_record(packets.ethernet(p), i * 250) for i, p in enumerate(start.packets)]
    path.write_bytes(packets.pcap_header() + b"".join(records))
    with serve() as server:
        said = subprocess.run([program, "inspect", str(path)], capture_output=True, text=True).stdout
        times = [line.split()[1][-16:-1] for line in said.splitlines() if " > " in line]
        seconds = [int(t[:2]) * 3600 + int(t[3:5]) * 60 + float(t[6:]) for t in times]
        span = seconds[-1] - seconds[0]
        check(span > 0.1, f"the capture lasts {span} s")
        run = Run(server.address, "--speed", "original", path).expect("--speed original", 0, compared=3)
        check(run.report["performance"]["seconds"] >= span, "not before the recorded times")
        run = Run(server.address, "--speed", "1000x", path).expect("--speed 1000x", 0)
        check(run.report["settings"]["speed"] == 1000, "settings")


def pipeline():
    for path in MANY, TOGETHER, SILENCE, SAME:
        for depth in 1, 64:
            with serve() as server:
                run = Run(server.address, "--pipeline", depth, path)
                run.expect(f"--pipeline {depth} {path.name}", 0, missing=0, unexpected=0, not_compared=0)
    with serve() as server:
        Run(server.address, SILENCE).expect("5000 quiet requests in a row", 0, compared=1)


def expiries():
    recorded_at, month = 1700000000, 30 * 24 * 3600
    there = [
        (mcbp.store(mcbp.SET, b"k", b"v", expiry=recorded_at + 100), 28, 100),
        (mcbp.store(mcbp.ADDQ, b"k", b"v", expiry=recorded_at - 100), 28, -100),
        (mcbp.arith(mcbp.INCREMENT, b"k", expiry=recorded_at + 100), 40, 100),
        (mcbp.touch(mcbp.TOUCH, b"k", expiry=recorded_at + 100), 24, 100),
        (mcbp.flush(delay=recorded_at + 100), 24, 100),
        (mcbp.arith(mcbp.DECREMENT, b"k", expiry=mcbp.NO_CREATE), 40, None),
        (mcbp.store(mcbp.SET, b"k", b"v", expiry=month), 28, None),
        (mcbp.touch(mcbp.GATQ, b"k"), 24, None),
    ]
    path = recorded(*[r for r, _, _ in there], name="expiries.pcap")
    with Scripted() as server:
        before = int(time.time())
        Run(server.address, path).expect("expiry times", 0)
        after = int(time.time()) + 1
        for (request, at, ahead), sent in zip(there, server.requests):
            expiry = struct.unpack_from("!I", sent, at)[0]
            if ahead is None:
                check(sent == request, f"{sent} instead of {request}")
            else:
                check(before <= expiry - ahead <= after, f"{expiry} is not {ahead} from {before} or {after}")
                check(sent[:at] + request[at:at + 4] + sent[at + 4:] == request, "the rest of the request")


def opaques():
    with Scripted() as server:
        Run(server.address, "--rewrite-opaque", SAME).expect("--rewrite-opaque", 0, compared=50)
        sent = [struct.unpack_from("!I", r, 12)[0] for r in server.requests if r[1] != mcbp.NOOP]
        check(sent == list(range(50)), "opaques that were sent")


class Late(Scripted):
    """Over TLS. The last answers come when the client has ended its side, and the server's end with them."""

    def __init__(self, context):
        self.context = context
        super().__init__()

    def talk(self, client):
        with self.context.wrap_socket(client, server_side=True) as wrapped, wrapped.makefile("rb") as stream:
            held = b""
            while len(header := stream.read(24)) == 24:
                answer = self.answer(header, stream.read(struct.unpack_from("!I", header, 8)[0]))
                if struct.unpack_from("!I", header, 12)[0] < 3:
                    wrapped.sendall(answer)
                else:
                    held += answer
            wrapped.sendall(held)


class BreaksOff(Scripted):
    """Closes in the midst of the handshake over TLS."""

    def __init__(self, context):
        self.context = context
        super().__init__()

    def talk(self, client):
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        received.write(client.recv(65536))
        try:
            self.context.wrap_bio(received, to_send, server_side=True).do_handshake()
        except ssl.SSLWantReadError:
            client.sendall(to_send.read())
        client.close()


def tls():
    key, certificate = scratch / "key.pem", scratch / "certificate.pem"
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                           "-addext", "subjectAltName=IP:127.0.0.1"], capture_output=True)
    if made.returncode != 0:
        print("no openssl here")
        return
    with serve("--tls-cert", certificate, "--tls-key", key) as server:
        for more in (), ("--pipeline", 64):
            for path in MANY, TOGETHER:
                Run(server.address, "--tls", "--tls-ca", certificate, *more, path).expect("--tls", 0, missing=0)
        large = project / "corpus/captures/large.pcap.zst"
        with serve("--tls-cert", certificate, "--tls-key", key) as fresh:
            Run(fresh.address, "--tls", "--tls-ca", certificate, large).expect("large values over TLS", 0)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with Late(context) as late:
            few = recorded(put(1), get(2), get(3), name="few.pcap")
            run = Run(late.address, "--timeout", 20, "--tls", "--tls-ca", certificate, few)
            run.expect("late answers", 0)
        with BreaksOff(context) as broken:
            for _ in range(5):
                Run(broken.address, "--tls", "--tls-ca", certificate, few).expect("an end in the handshake", 4)
        run = Run(server.address, "--tls", MANY).expect("a certificate that nobody has signed", 4)
        check("TLS: certificate verify failed" in run.out, run.out)
        Run(server.address, "--timeout", 1, MANY).expect("plain to a server that wants TLS", 4)
    with serve() as server:
        run = Run(server.address, "--tls", "--tls-ca", certificate, "--timeout", 1, MANY).expect("TLS to a plain one", 4)


def against():
    with serve() as one, serve() as other:
        run = Run(one.address, "--against", other.address, MANY).expect("--against", 0, compared=400)
    with serve() as one, Scripted(lambda n, o, a: a[:-1] + b"X" if n == 5 else a) as other:
        run = Run(one.address, "--against", other.address, MANY).expect("--against a wrong one", 1, different=1)
        check(run.differences[0]["field"] == "value+4", "the field")
    with serve() as one, Scripted(lambda n, o, a: b"" if n == 5 else a) as other:
        run = Run(one.address, "--against", other.address, MANY).expect("--against one that omits", 1, unexpected=1)


def reports():
    with Scripted() as server:
        run = Run(server.address, "--junit", scratch / "x.xml", MANY).expect("--junit", 0)
        text = (scratch / "x.xml").read_text()
        check('name="replayed"' in text and 'name="kvreplay replay"' in text, text)
        check(run.report["schema"] == "kvreplay-replay-1", "schema")
        latency = run.report["performance"]["latency_ns"]
        check(latency["GET"]["count"] == 399 and latency["SET"]["count"] == 1, "latencies")
        order = [latency["GET"][p] for p in ("p50", "p90", "p99", "p99_9", "p99_99", "max")]
        check(order == sorted(order) and order[0] > 0, "percentiles")
        check("requests/s" in run.out and "p99.99" in run.out, "the text")
        check(Run(server.address, "-q", MANY).out.count("\n") == 1, "-q")
        Run(server.address, "--require-compared", 401, MANY).expect("--require-compared", 4)


def end_of_input():
    """Standard input that never ends is left when the limit is reached; a signal ends it with a report."""
    with Scripted() as server:
        command = [program, "replay", "--to", server.address, "--rate", "20", "--json", "-", str(MANY)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            while len(server.requests) < 3 and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            report = json.loads(process.communicate(timeout=PATIENCE)[0])
        check(process.returncode == 4, f"exit status {process.returncode} after SIGINT")
        check("interrupted" in report["captures"][0]["problem"], "what it says")
        check(3 <= report["performance"]["requests"] < 400, "what was done")


def usage():
    def wrong(said, *arguments):
        done = subprocess.run([program, "replay", *arguments], capture_output=True, text=True)
        check(done.returncode == 2 and said in done.stderr, f"{arguments}: {done.returncode} {done.stderr}")
    wrong("--to SERVER is required", str(MANY))
    wrong("missing operand: CAPTURE", "--to", "localhost:1")
    wrong("--tls-ca without --tls", "--to", "localhost:1", "--tls-ca", "x", str(MANY))
    wrong("--speed: 'fast'", "--to", "localhost:1", "--speed", "fast", str(MANY))
    wrong("--speed: '0x'", "--to", "localhost:1", "--speed", "0x", str(MANY))
    wrong("--rate: 0 is not between", "--to", "localhost:1", "--rate", "0", str(MANY))
    wrong("standard input can be read only once", "--to", "localhost:1", "--loop", "2", "-")


for test in limit, loop, rate, speed, pipeline, expiries, opaques, tls, against, reports, end_of_input, usage:
    before = len(failures)
    test()
    print("%-14s %s" % (test.__name__, "ok" if len(failures) == before else "FAILED"))
finish()
