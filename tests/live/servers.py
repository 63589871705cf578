"""Every capture of corpus/captures, to memcached itself and to serve, each time a fresh one."""
from live import Run, check, finish, has_memcached, memcached, project, serve, sys

# What of an answer is the server's own: its version, its statistics.
OWN = ("--mask", "VERSION:value", "--mask", "STAT:value", "--mask", "STAT:key")
# memcached's clock has to go as it did; where seconds begin can't be had again.
TIMED = {"expiry.pcap", "flush-delay.pcap"}
# These begin with keys in the server, which a fresh one does not have.
MIDSTREAM = {"midstream.pcap", "rotated-2.pcap"}
# Six connections change the same keys at once, and nothing says in which order.
RACING = {"concurrent.pcap"}
# memcached drops an answer that it has not sent yet when it closes; here that depends on TCP's segments.
SEGMENTED = {"unknown-body.pcap"}
UDP = {"udp.pcap"}
captures = sorted(p for p in (project / "corpus/captures").iterdir() if ".pcap" in p.name)


def statuses(name):
    if name in UDP:
        return {4}
    if name in MIDSTREAM:
        return {1}
    if name in RACING or name in TIMED:
        return {0, 1}
    if name in SEGMENTED:
        return {0, 4}
    return {0}


def adds_up(run, path):
    counts, frames = run.replayed, run.report["totals"]["server_frames"]
    check(counts["compared"] + counts["missing"] + counts["not_compared"] == frames, f"{path.name}: sum of {counts}")


def all_captures(start, what):
    for path in captures:
        with start() as server:
            run = Run(server.address, path, *OWN, "--timeout", "5")
            check(run.status in statuses(path.name), f"{what}: {path.name}: {run.status}\n{run.out}{run.err}")
            adds_up(run, path)
            if path.name not in TIMED | MIDSTREAM | RACING | SEGMENTED | UDP:
                check(run.replayed["not_compared"] == 0, f"{path.name}: all compared")


def side_by_side():
    for name in "pylibmc.pcap", "quiet.pcap", "cas.pcap", "errors.pcap", "memccapable-ipv4.pcap", "numeric.pcap":
        with memcached("one") as one, serve() as other:
            path = project / "corpus/captures" / name
            run = Run(one.address, "--against", other.address, *OWN, path)
            check(run.status == 0, f"memcached against serve: {name}: {run.out}")
            check(run.replayed["compared"] > 0, f"{name}: something was compared")
            check(run.report["settings"]["reference"] == other.address, "what it was compared with")


all_captures(serve, "serve")
if has_memcached():
    all_captures(memcached, "memcached")
    side_by_side()
else:
    print("no memcached here", file=sys.stderr)
finish()
