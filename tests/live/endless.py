"""Servers that would keep replay busy for ever: each run ends, soon after --timeout at the latest."""
import struct
import threading
import time

from live import Run, Scripted, capture, check, finish, mcbp, packets, recorded, scratch

GET, SET, NOOP, STAT = mcbp.GET, mcbp.SET, mcbp.NOOP, mcbp.STAT
MANY = 40  # requests; a second each without an answer, if nothing ends the run

CALM = recorded(mcbp.store(SET, b"k", b"value", opaque=1), *[mcbp.request(GET, b"k", opaque=i) for i in range(2, MANY)],
                name="calm.pcap")


def ends(what, server, *arguments, status):
    with server:
        run = Run(server.address, "--timeout", 2, *arguments)
        check(run.status in status, f"{what}: exit status {run.status}\n{run.out}{run.err}")
        check(run.seconds < 20, f"{what}: ended after {run.seconds} s")
    return run


def answers_twice():
    for more in (), ("--pipeline", 8):
        run = ends("answers twice", Scripted(lambda n, o, a: a + a), *more, CALM, status=(1,))
        check(run.replayed["unexpected"] >= MANY - 2, f"{run.replayed}")


def talks_without_end():
    class Talks(Scripted):  # an answer to nothing, over and over
        def talk(self, client):
            threading.Thread(target=self.flood, args=(client,), daemon=True).start()
            super().talk(client)

        def flood(self, client):
            stray = mcbp.response(GET, extras=bytes(4), opaque=0xdead, value=b"stray")
            try:
                while True:
                    client.sendall(stray * 8)
                    time.sleep(0.001)
            except OSError:
                pass
    run = ends("answers to nothing without end", Talks(), CALM, status=(1, 4))
    check(run.replayed["unexpected"] > 0, f"{run.replayed}")

    class TalksOnly(Talks):  # and never what it is asked for
        def answer(self, header, body):
            return b""
    ends("only answers to nothing", TalksOnly(), CALM, status=(1, 4))


def answers_only_our_noops():
    run = ends("answers only NOOPs", Scripted(lambda n, o, a: a if o == NOOP else b""), CALM, status=(1, 4))
    check(run.replayed["missing"] > 0, f"{run.replayed}")
    check("no answer for 2.000 s" in run.out or "answered no request for 2.000 s" in run.out, run.out)


def rows_without_end():
    class Rows(Scripted):
        def answer(self, header, body):
            if header[1] != STAT:
                return super().answer(header, body)
            opaque = struct.unpack_from("!I", header, 12)[0]
            row = mcbp.response(STAT, b"name", value=b"1", opaque=opaque) * 256
            try:
                while True:
                    self.client.sendall(row)
            except OSError:
                return b""

        def talk(self, client):
            self.client = client
            super().talk(client)

    def talk(conversation):
        conversation.client(mcbp.request(STAT, opaque=1))
        conversation.server(mcbp.response(STAT, b"pid", value=b"1", opaque=1), mcbp.response(STAT, opaque=1))
    run = ends("rows of STAT without end", Rows(), capture("stat.pcap", talk), status=(1, 4))
    check(run.status == 4 or run.replayed["unexpected"] > 0, f"{run.replayed}")


def slow_but_honest():
    class Slow(Scripted):  # each answer takes a while, all together far longer than --timeout
        def answer(self, header, body):
            time.sleep(0.15)
            return super().answer(header, body)
    quiet = [mcbp.store(mcbp.SETQ, b"k%d" % i, b"v", opaque=i) for i in range(4)]
    path = recorded(*[mcbp.request(GET, b"k", opaque=i) for i in range(12)], *quiet, name="slow.pcap")
    with Slow() as server:
        Run(server.address, "--timeout", 1, path).expect("slow, but honest", 0, missing=0)


def quits_within_a_pipeline():
    """What stands behind QUIT is not answered; who closes first, client or server, makes no difference."""
    for first in 0, 1:
        conversation = packets.Conversation()
        conversation.open()
        conversation.client(mcbp.store(SET, b"k", b"v", opaque=1), mcbp.request(mcbp.QUIT, opaque=2),
                            mcbp.request(GET, b"k", opaque=3))
        conversation.server(mcbp.response(SET, opaque=1, cas=1), mcbp.response(mcbp.QUIT, opaque=2))
        for side in first, 1 - first:
            conversation.segment(side, len(conversation.sent[side]), flags=0x11)
        path = scratch / f"quit-{first}.pcap"
        path.write_bytes(packets.pcap(conversation.packets))
        for more in (), ("--pipeline", 4):
            with Scripted() as server:
                Run(server.address, *more, path).expect("QUIT within a pipeline", 0, unexpected=0, missing=0)

            class Stays(Scripted):  # and answers what stands behind QUIT
                def talk(self, client):
                    with client, client.makefile("rb") as stream:
                        while (header := stream.read(24)):
                            client.sendall(self.answer(header, stream.read(struct.unpack_from("!I", header, 8)[0])))
            with Stays() as server:
                run = Run(server.address, "--timeout", 2, *more, path)
                check(run.status == 1 and run.replayed["unexpected"] > 0, f"answers behind QUIT: {run.out}")


for test in (answers_twice, talks_without_end, answers_only_our_noops, rows_without_end, slow_but_honest,
             quits_within_a_pipeline):
    began = time.monotonic()
    test()
    print("%-24s %.1f s" % (test.__name__, time.monotonic() - began))
finish()
