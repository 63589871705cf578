"""Recordings of Couchbase's SDK that begin in the middle of connections: what can be compared is, and lies in it are found."""
import gzip
import json
import struct
import sys

from live import Run, check, failures, finish, mcbp, packets, project, scratch, serve
from recording import load, save

sys.path.insert(0, str(project / "tests/loss"))
del sys.modules["packets"]
import packets as loss  # noqa: E402

RECORDED = project / "corpus/couchbase/sdk.pcapng.gz"
SECRET = {"KVREPLAY_PASSWORD": "secret"}
NODE = "--dialect", "couchbase", "--vbuckets", "4", "--user", "client:secret", "--collection", "inventory.hotels"
BUCKET = "--bucket", "default"
GET, SET, ADD, INCREMENT, GET_CONFIG = 0x00, 0x01, 0x02, 0x05, 0xB5
FIRST = 40  # the login and the first requests are over
EVENTS = load(RECORDED)


def replay(path, *arguments, node=NODE):
    with serve(*node) as server:
        return Run(server.address, "--user", "client", *arguments, path, environment=SECRET)


def cut_anywhere():
    """Of those answers that the capture itself explains, all are compared: no more than what was there before is not."""
    whole = scratch / "whole.pcapng"
    whole.write_bytes(gzip.decompress(RECORDED.read_bytes()))
    capture = loss.Capture(whole)
    count = len(capture.packets)
    for cut in [10, 13, 16, 20, 25, *range(FIRST, count - 60, 90)]:
        gone = {index for index, _ in capture.packets[:cut]}
        path = scratch / "cut.pcapng"
        path.write_bytes(b"".join(part for index, part in enumerate(capture.parts) if index not in gone))
        run = replay(path, *BUCKET)
        run.expect(f"without {cut} packets", 0, different=0, missing=0, unexpected=0)
        before = run.replayed["not_compared_why"]["before_capture"]
        compared = run.replayed["compared"]
        check(compared > 20 * before or cut > 600, f"without {cut}: {compared} compared, {before} not")
        check((before > 0) == ("about what was there before the capture" in run.out), run.out)
        print(f"without {cut} packets: {compared} answers are identical, {before} are about what was there before")


def bucket_unknown():
    path = save(scratch / "middle.pcap", EVENTS[FIRST:], opened=False)
    run = replay(path).expect("no bucket", 4)
    check("which bucket it had selected is not in the capture; use --bucket" in run.out, run.out)
    run = replay(path, "--bucket", "another").expect("another bucket", 4)
    check("the server answers SELECT_BUCKET with NO_ACCESS" in run.out, run.out)


def bucket_in_a_configuration():
    """Clients ask for it every few seconds."""
    conversation = packets.Conversation()
    config = json.dumps({"rev": 1, "name": "default", "nodes": []}).encode()
    infos = b"\x02\x00\x01"

    def answer(opcode, **more):
        return mcbp.frame(0x18, opcode, framing=infos, **more)
    token = struct.pack("!QQ", 77, 5)
    conversation.exchange([
        (mcbp.request(GET_CONFIG), answer(GET_CONFIG, value=config, datatype=1)),
        (mcbp.store(mcbp.SET, b"\x00key", b"{}"), answer(SET, extras=token, cas=1 << 60)),
        (mcbp.request(GET, b"\x00key"), answer(GET, extras=bytes(4), value=b"{}", datatype=1, cas=1 << 60)),
        (mcbp.request(GET, b"\x00other"), answer(GET, extras=bytes(4), value=b"{}", datatype=1, cas=1 << 59)),
    ])
    path = scratch / "configuration.pcap"
    path.write_bytes(packets.pcap(conversation.packets))
    run = replay(path).expect("a configuration names it", 0, compared=3, identical=3, not_compared=1)
    check(run.replayed["not_compared_why"]["before_capture"] == 1, "a document from before")


def memcached_is_left_alone():
    """Its clients log in, too, but agree on nothing."""
    conversation = packets.Conversation()
    conversation.exchange([(mcbp.store(mcbp.SET, b"key", b"value"), mcbp.response(SET, cas=1)),
                           (mcbp.request(GET, b"key"), mcbp.response(GET, extras=bytes(4), value=b"value", cas=1))])
    path = scratch / "memcached.pcap"
    path.write_bytes(packets.pcap(conversation.packets))
    with serve(*NODE) as server:
        run = Run(server.address, "--user", "client", path, environment=SECRET)
    # A server of Couchbase's, which has not been asked for XERROR nor a bucket, closes.
    check("closed connection 1 (192.0.2.1:40001) before the answer to SET" in run.out, run.out)


# ----------------------------------------------------------------------------------- the lies

def document(frame):
    header = 24 + (frame[2] if frame[0] in (0x08, 0x18) else 0) + frame[4]
    size = frame[3] if frame[0] in (0x08, 0x18) else struct.unpack_from("!H", frame, 2)[0]
    return struct.unpack_from("!H", frame, 6)[0], frame[header:header + size]


def made_in_the_capture(events):
    """(number, frame) of right answers about documents that an earlier ADD or SET of the capture has made."""
    asked, made = {}, set()
    for number, (_, client, from_server, frame) in enumerate(events):
        opcode, opaque = frame[1], frame[12:16]
        if not from_server:
            asked[client, opaque] = opcode, document(frame)
        elif (client, opaque) in asked and frame[6:8] == b"\0\0":
            opcode, key = asked[client, opaque]
            if key in made and opcode in (GET, INCREMENT) and len(frame) > 44:
                yield number, frame
            made |= {key} if opcode in (SET, ADD) else set()


def lies():
    events = EVENTS[FIRST:]
    found = list(made_in_the_capture(events))
    check(len(found) > 5, f"{len(found)} answers to change")
    for number, frame in found[::max(1, len(found) // 4)]:
        changed = [list(event) for event in events]
        changed[number][3] = frame[:-2] + bytes([frame[-2] ^ 1]) + frame[-1:]
        run = replay(save(scratch / "lie.pcap", changed, opened=False), *BUCKET)
        run.expect(f"a lie in answer {number}", 1)
        check(len(run.differences) == 1, f"{len(run.differences)} differences follow from one")


for test in (cut_anywhere, bucket_unknown, bucket_in_a_configuration, memcached_is_left_alone, lies):
    before = len(failures)
    test()
    print("%-30s %s" % (test.__name__, "ok" if len(failures) == before else "FAILED"))
finish()
