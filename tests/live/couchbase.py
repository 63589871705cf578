"""A recording of Couchbase's SDK, played again: identical to a right server, and every planted lie is found."""
import socket
import struct
import time

from live import PATIENCE, Run, capture, check, failures, finish, mcbp, project, scratch, serve
from recording import load, save

RECORDED = project / "corpus/couchbase/sdk.pcapng.gz"
SECRET = {"KVREPLAY_PASSWORD": "secret"}
NODE = "--dialect", "couchbase", "--vbuckets", "4", "--user", "client:secret"
COLLECTION = "--collection", "inventory.hotels"
ANSWERS = 477  # but for those of the two logins
GET, SET, DELETE, INCREMENT, HELLO, GET_META, OBSERVE_SEQNO = 0x00, 0x01, 0x04, 0x05, 0x1F, 0xA0, 0x91
GET_ID, LOOKUP, MUTATION, CREATE, CONTINUE = 0xBB, 0xD0, 0xD1, 0xDA, 0xDB
SUCCESS, NOT_FOUND, UNKNOWN_COLLECTION, PATH_FAILURE = 0, 1, 0x88, 0xCC
EVENTS = load(RECORDED)


def replay(path, *arguments, node=COLLECTION):
    with serve(*NODE, *node) as server:
        return Run(server.address, "--user", "client", *arguments, path, environment=SECRET)


def identical_without_a_mask():
    run = replay(RECORDED)
    run.expect("the recording as it is", 0, compared=ANSWERS, identical=ANSWERS, not_compared=6)
    bound, own = run.replayed["bound"], run.replayed["own"]
    check(bound["vbucket_uuid"] == 4, f"a UUID for each vbucket, not {bound}")
    check(bound["seqno"] == bound["cas"] > 100, f"each change has a CAS and a sequence number: {bound}")
    check(bound["scan"] > 10 and bound["collection"] == bound["manifest"] == 1, f"{bound}")
    check(own["map"] == 2 and own["time"] > 0, f"{own}")
    check("translated    vbucket UUIDs 4, sequence numbers" in run.out, run.out)
    check("server's own  " in run.out, run.out)
    replay(save(scratch / "rebuilt.pcap", EVENTS)).expect("put together again", 0, identical=ANSWERS)


def latencies_line_up():
    """Its opcodes have long names."""
    run = replay(RECORDED)
    table = run.out.partition("\nlatency, us")[2].split("\n\n")[0].rstrip("\n").split("\n")
    check(len(table) > 20 and any(row.startswith("SUBDOC_MULTI_MUTATION ") for row in table), run.out)
    lengths = {len(row) for row in table[1:]} | {len("latency, us" + table[0])}
    check(len(lengths) == 1, f"rows of {lengths} characters:\n{run.out}")


def against_another_server():
    with serve(*NODE, *COLLECTION) as one, serve(*NODE, "--collection", "a.b", *COLLECTION) as other:
        run = Run(one.address, "--against", other.address, "--user", "client", RECORDED, environment=SECRET)
        run.expect("--against", 0, compared=ANSWERS, identical=ANSWERS)


def other_numbers_of_collections():
    """Its number is another there, in keys, in scans and in the manifest."""
    run = replay(RECORDED, node=("--collection", "a.b", *COLLECTION))
    run.expect("another collection's number", 0, identical=ANSWERS)
    check(run.replayed["own"]["error_reference"] > 0, "the manifest's UID in errors")
    # One of two bytes: keys that are too long are refused for another reason.
    many = [word for i in range(140) for word in ("--collection", f"many.c{i}")]
    run = replay(RECORDED, node=(*many, *COLLECTION)).expect("a longer number", 1, identical=ANSWERS - 2, different=2)
    check([d["status"] for d in run.differences] == ["INVALID_ARGUMENTS"] * 2, f"{run.differences}")


def keys_in_answers():
    """GETK's answer begins with the collection's number, which is longer here than there."""
    def talk(conversation):
        agreed = struct.pack("!HH", 8, 0x12)  # SELECT_BUCKET, COLLECTIONS
        answer = struct.pack("!QI", 1, 8)
        conversation.exchange([
            (mcbp.request(HELLO, b"agent", value=agreed), mcbp.response(HELLO, value=agreed)),
            (mcbp.request(0x89, b"default"), mcbp.response(0x89)),
            (mcbp.request(GET_ID, value=b"inventory.hotels"), mcbp.response(GET_ID, extras=answer)),
            (mcbp.store(mcbp.SET, b"\x08key", b"a long value"), mcbp.response(SET, cas=1)),
            (mcbp.request(mcbp.GETK, b"\x08key"),
             mcbp.response(mcbp.GETK, b"\x08key", bytes(4), b"a long value", cas=1)),
        ])
    many = [word for i in range(140) for word in ("--collection", f"many.c{i}")]
    run = replay(capture("getk.pcap", talk), node=(*many, *COLLECTION))
    run.expect("a key in an answer", 0, identical=5)


# ------------------------------------------------------- changes that bring their meta data, or show it

SET_META, SETQ_META, ADD_META, DELETE_META, RETURN_META = 0xA2, 0xA3, 0xA4, 0xA8, 0xB2
SEQNOS, KEYS, EVICT = 0x48, 0xB8, 0x93
AGO = 1000  # seconds


class Talk:
    """A client of a server, whose requests and answers are events of a recording."""

    def __init__(self, server):
        host, port = server.address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.stream, self.events, self.opaque = self.socket.makefile("rb"), [], 0
        agreed = struct.pack("!5H", 4, 6, 7, 8, 0x0B)  # MUTATION_SEQNO, XATTR, XERROR, SELECT_BUCKET, JSON
        self.ask(HELLO, b"agent", value=agreed)
        self.ask(mcbp.SASL_AUTH, b"PLAIN", value=b"\0client\0secret")
        self.ask(0x89, b"default")

    def ask(self, opcode, key=b"", extras=b"", value=b"", quiet=False, **more):
        self.opaque += 1
        request = mcbp.request(opcode, key, extras, value, opaque=self.opaque, **more)
        self.tell(False, request)
        self.socket.sendall(request)
        if not quiet:
            answer = self.stream.read(24)
            answer += self.stream.read(struct.unpack_from("!I", answer, 8)[0])
            self.tell(True, answer)
            return Frame81(answer)
        return None

    def tell(self, from_server, frame):
        self.events.append([time.time_ns(), 40000, from_server, frame])

    def bring(self, opcode, revision, cas, *, flags=0, expiry=0, options=None, value=b"", **more):
        extras = struct.pack("!IIQQ", flags, expiry, revision, cas) + (b"" if options is None else struct.pack("!I", options))
        return self.ask(opcode, b"k", extras, value, quiet=opcode == SETQ_META, **more)

    def show(self, mutation, expiry=0, cas=0):
        return self.ask(RETURN_META, b"k", struct.pack("!III", mutation, 7, expiry), b"shown" if mutation < 3 else b"", cas=cas)

    def close(self):
        self.stream.close()
        self.socket.close()


class Frame81:
    def __init__(self, data):
        self.status, = struct.unpack_from("!H", data, 6)
        self.cas, = struct.unpack_from("!Q", data, 16)
        self.extras, self.value = data[24:24 + data[4]], data[24 + data[4]:]


def set_own(talk):
    return talk.ask(SET, b"k", bytes(8), b"own").cas


def bring_all(talk):
    get_meta = lambda: talk.ask(GET_META, b"k")
    talk.bring(SET_META, 9, 0x800, flags=2, value=b"new")
    get_meta()
    talk.bring(SET_META, 5, 0x1000, value=b"old")
    talk.bring(ADD_META, 12, 0x2000, value=b"x")
    talk.ask(GET, b"k")
    talk.bring(DELETE_META, 5, 0x1000)
    talk.bring(DELETE_META, 12, 0x2000, expiry=int(time.time()) - 50)
    get_meta()
    talk.bring(ADD_META, 9, 0x800, value=b"too late")
    talk.bring(SETQ_META, 1, 1, options=8, value=b"any")
    talk.ask(mcbp.NOOP)
    get_meta()
    own = set_own(talk)
    # The same version but for its flags: it wins if its CAS is the one that the other server gave.
    check(talk.bring(SET_META, 2, own, flags=9, value=b"own again").status == SUCCESS, "flags decide")
    talk.ask(GET, b"k")
    talk.bring(SET_META, 3, 1, options=12, value=b"anew")
    talk.ask(GET, b"k")


def show_all(talk):
    talk.show(1, 100)
    talk.ask(GET_META, b"k")
    cas = talk.show(1, int(time.time()) + 5000).cas
    talk.show(2)
    talk.show(1, 0, cas)
    talk.show(3)
    talk.ask(GET_META, b"k")
    talk.show(3)
    talk.show(2, 2592000)
    talk.ask(KEYS, b"a")
    talk.ask(SEQNOS)
    talk.ask(SEQNOS, extras=struct.pack("!I", 2))
    talk.ask(EVICT, b"k")
    set_own(talk)


def recording_of(name, speak, change=lambda events: None):
    with serve(*NODE, *COLLECTION) as server:
        talk = Talk(server)
        speak(talk)
        talk.close()
    change(talk.events)
    answered = sum(from_server for _, _, from_server, _ in talk.events)
    return save(scratch / name, talk.events), answered - 1  # without the login


def meta_data_are_brought():
    path, count = recording_of("brought.pcap", bring_all)
    run = replay(path).expect("changes that bring their meta data", 0, identical=count)
    check(run.replayed["bound"]["seqno"] == 5, f"{run.replayed['bound']}")


def times_are_brought():
    """A time of expiry is a point in time, which has passed when it is replayed."""
    def bring(talk):
        talk.bring(SET_META, 1, 1, expiry=int(time.time()) + 500, value=b"x")
        talk.ask(GET, b"k")

    def earlier(events):
        for event in events:
            event[0] -= AGO * 10 ** 9
            if event[3][1] == SET_META and not event[2]:
                frame = bytearray(event[3])
                struct.pack_into("!I", frame, 28, struct.unpack_from("!I", frame, 28)[0] - AGO)
                event[3] = bytes(frame)
    path, count = recording_of("times.pcap", bring, earlier)
    replay(path).expect("a time that is brought", 0, identical=count)


def meta_data_are_shown():
    path, count = recording_of("shown.pcap", show_all)
    run = replay(path).expect("changes that show their meta data", 0, identical=count)
    check(run.replayed["bound"]["vbucket_uuid"] == 1, f"what it shows is no token: {run.replayed['bound']}")


def wrong_meta_data_are_found():
    for opcode, at in (SET_META, 23), (RETURN_META, 27), (RETURN_META, 31), (RETURN_META, 39):
        def lie(events):
            event = [event for event in events if event[2] and event[3][1] == opcode and event[3][7] == 0][1]
            frame = bytearray(event[3])
            frame[at] ^= 16
            event[3] = bytes(frame)
        path, _ = recording_of("wrong.pcap", bring_all if opcode == SET_META else show_all, lie)
        check(replay(path).status == 1, f"byte {at} of an answer to {opcode:#x}")


def load_of_loops():
    replay(RECORDED, "--loop", 3).expect("--loop", 0, identical=ANSWERS)


# ----------------------------------------------------------------------------------- the lies

class Frame:
    """An answer of the recording, to be changed in place, all with framing extras."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.opcode = data[1]
        self.framing, self.key, self.extras_size = (data[2], data[3], data[4]) if data[0] == 0x18 else (0, data[3], data[4])
        self.status = struct.unpack_from("!H", data, 6)[0]
        self.extras = 24 + self.framing
        self.value = self.extras + self.extras_size + self.key
        self.text = bytes(data[self.value:])

    def token(self):
        return struct.unpack_from("!QQ", self.data, self.extras)

    def flip(self, at, bit=1):
        self.data[at] ^= bit

    def digit(self, at):
        self.data[at] = ord("8") if self.data[at] == ord("7") else ord("7")


def answers(opcode, status=SUCCESS, having=lambda frame: True):
    """Their numbers among the events."""
    numbers = []
    for number, (_, _, from_server, data) in enumerate(EVENTS):
        if from_server and data[1] == opcode and data[0] in (0x18, 0x81):
            frame = Frame(data)
            if frame.status == status and having(frame):
                numbers.append(number)
    return numbers


def is_json(frame):
    return frame.data[5] == 1 and len(frame.text) > 3


def with_token(frame):
    return frame.extras_size == 16


def numbers_shown(uuid):
    """All sequence numbers of that vbucket in tokens."""
    tokens = [Frame(data) for _, _, from_server, data in EVENTS if from_server and data[0] == 0x18]
    return {f.token()[1] for f in tokens if f.status == SUCCESS and with_token(f) and f.token()[0] == uuid}


def unused(frame):
    """Lower numbers that no other change has: durable ones take two, and show the second."""
    uuid, number = frame.token() if with_token(frame) else (0, 0)
    return set(range(1, number)) - numbers_shown(uuid)


def falls(frame):
    struct.pack_into("!Q", frame.data, frame.extras + 8, min(unused(frame)))


def repeats(frame):
    struct.pack_into("!Q", frame.data, frame.extras + 8, 1)


def names_the_first_change(frame):
    at = frame.value + frame.text.index(b'"seqno":"0x') + len(b'"seqno":"0x')
    frame.data[at:at + 16] = b"%016x" % 1


def at_text(mark, behind=0):
    return lambda frame: frame.digit(frame.value + frame.text.index(mark) + len(mark) + behind)


# What is planted, in an answer of which opcode and status, how, and the field that has to be named.
LIES = [
    ("another value", GET, SUCCESS, is_json, lambda f: f.flip(f.value + 2), "value+2"),
    ("other flags", GET, SUCCESS, is_json, lambda f: f.flip(f.extras + 3), "extras"),
    ("a value of another kind", GET, SUCCESS, is_json, lambda f: f.flip(5), "header.datatype"),
    ("a GET of another CAS", GET, SUCCESS, is_json, lambda f: f.flip(20), "header.cas"),
    ("a miss of another status", GET, NOT_FOUND, lambda f: True, lambda f: f.flip(7, 8), "header.status"),
    ("a failure in place of a success", DELETE, SUCCESS, lambda f: True, lambda f: f.flip(7), "header.status"),
    ("another answer's opaque", GET, SUCCESS, is_json, lambda f: f.flip(14, 0x40), None),
    ("no time that it took", GET, SUCCESS, is_json, lambda f: f.flip(24, 0x10), "frame-info[1]"),
    ("a sequence number that falls", SET, SUCCESS, unused, falls, "extras"),
    ("a sequence number that comes again", SET, SUCCESS, lambda f: with_token(f) and f.token()[1] > 4, repeats, "extras"),
    ("a vbucket's UUID that changes", SET, SUCCESS, lambda f: with_token(f) and f.token()[1] > 4,
     lambda f: f.flip(f.extras), "extras"),
    ("a deletion's number that falls", DELETE, SUCCESS, unused, falls, "extras"),
    ("another number", INCREMENT, SUCCESS, lambda f: f.token()[1] > 4, lambda f: f.flip(f.value + 7), "value+7"),
    ("a token of an edit that falls", MUTATION, SUCCESS, unused, falls, "extras"),
    ("an edit's other result", MUTATION, SUCCESS, lambda f: len(f.text) > 7, lambda f: f.flip(f.value + 7), "value+7"),
    ("another path that failed", MUTATION, PATH_FAILURE, lambda f: True, lambda f: f.flip(f.value), "value+0"),
    ("a path of another status", LOOKUP, PATH_FAILURE, lambda f: True, lambda f: f.flip(f.value + len(f.text) - 5), None),
    ("another part of a document", LOOKUP, SUCCESS, lambda f: len(f.text) > 6 and b"0x" not in f.text,
     lambda f: f.flip(f.value + 6), "value+6"),
    ("another CAS in $document", LOOKUP, SUCCESS, lambda f: b'"CAS":"0x' in f.text, at_text(b'"CAS":"0x', 9), None),
    ("another number in $document", LOOKUP, SUCCESS, lambda f: b'"seqno":"0x' in f.text, names_the_first_change, None),
    ("a length in $document", LOOKUP, SUCCESS, lambda f: b'"value_bytes":' in f.text, at_text(b'"value_bytes":'), None),
    ("another time in $document", LOOKUP, SUCCESS, lambda f: b'"last_modified":"' in f.text,
     at_text(b'"last_modified":"', 2), None),
    ("deleted, or not", GET_META, SUCCESS, lambda f: True, lambda f: f.flip(f.extras + 3), "extras"),
    ("another revision", GET_META, SUCCESS, lambda f: True, lambda f: f.flip(f.extras + 19), "extras"),
    ("another feature", HELLO, SUCCESS, lambda f: True, lambda f: f.flip(f.value + 1), "value+1"),
    ("no scan", CREATE, SUCCESS, lambda f: True, lambda f: f.flip(7), "header.status"),
    ("a scanned key", CONTINUE, 0xA7, lambda f: f.text.count(b"{") == 0 and len(f.text) > 9,
     lambda f: f.flip(f.value + 5), "value+5"),
    ("a scanned document", CONTINUE, 0xA7, lambda f: b"{" in f.text,
     lambda f: f.flip(f.value + len(f.text) - 2), None),
    ("a scanned document's CAS", CONTINUE, 0xA7, lambda f: b"{" in f.text, lambda f: f.flip(f.value + 20), None),
    ("a scanned document's flags", CONTINUE, 0xA7, lambda f: b"{" in f.text, lambda f: f.flip(f.value), "value+0"),
    ("more of a scan", CONTINUE, 0xA7, lambda f: True, lambda f: f.flip(7), "header.status"),
    ("an error of another kind", GET_ID, UNKNOWN_COLLECTION, lambda f: True, lambda f: f.flip(7, 4), "header.status"),
    ("an error's other body", GET_ID, UNKNOWN_COLLECTION, lambda f: f.text != b"", lambda f: f.flip(f.value + 3), "value+3"),
    ("a UUID that was not observed", OBSERVE_SEQNO, SUCCESS, lambda f: True, lambda f: f.flip(f.value + 5), None),
]


def lies():
    for what, opcode, status, having, plant, field in LIES:
        numbers = answers(opcode, status, having)
        check(numbers, f"{what}: the recording has no such answer")
        if not numbers:
            continue
        number = numbers[len(numbers) // 2]
        frame = Frame(EVENTS[number][3])
        plant(frame)
        events = [list(event) for event in EVENTS]
        events[number][3] = bytes(frame.data)
        run = replay(save(scratch / "lie.pcap", events))
        found = [(d["opcode"], d["field"], d["detail"]) for d in run.differences]
        check(run.status == 1 and found, f"{what}: not found, exit status {run.status}")
        if found and field is not None:
            check(found[0][1] == field, f"{what}: {found[:3]} instead of {field}")
        check(len(found) <= 4, f"{what}: {len(found)} differences follow from one: {found[:9]}")
        print("%-36s %s" % (what, found[:1]))


for test in identical_without_a_mask, latencies_line_up, against_another_server, other_numbers_of_collections, keys_in_answers, \
        meta_data_are_brought, times_are_brought, meta_data_are_shown, wrong_meta_data_are_found, load_of_loops, lies:
    before = len(failures)
    test()
    print("%-30s %s" % (test.__name__, "ok" if len(failures) == before else "FAILED"))
finish()
