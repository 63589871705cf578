"""kvreplay record as a proxy, as its clients, its target and readers of its file see it. Usage: PROGRAM"""

import os
import pwd
import random
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

from recording import (PATIENCE, PROGRAM, Dissected, RecordTest, folder, has_tshark, path, receive,
                       receive_all)

FIN, SYN, RST, ACK = 1, 2, 4, 16
SEED = int(os.environ.get("KVREPLAY_SEED", random.SystemRandom().randrange(1 << 32)))


def request(opcode, key=b"", value=b"", extras=b"", opaque=0):
    body = extras + key + value
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(body), opaque, 0) + body


def set_of(key, size, opaque=0):
    return request(1, key, b"v" * size, bytes(8), opaque)


NOOP = request(10)


def get_of(key, opaque=0):
    return request(0, key, opaque=opaque)


def answer(client):
    """A whole one, or what there is of it at the end."""
    header = receive(client, 24)
    return header if len(header) < 24 else header + receive(client, struct.unpack(">I", header[8:12])[0])


def listen():
    """A target of the test's own."""
    target = socket.create_server(("127.0.0.1", 0))
    target.settimeout(PATIENCE)
    return target, "127.0.0.1:%d" % target.getsockname()[1]


def accept(target):
    connection = target.accept()[0]
    connection.settimeout(PATIENCE)
    return connection


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Conversations(RecordTest):
    def test_what_is_recorded_is_verified(self):
        proxy = self.proxy(self.serve(), "verified.pcapng")
        client = self.connect(proxy)
        client.sendall(set_of(b"key", 100) + get_of(b"key") + NOOP)
        for _ in range(3):
            self.assertEqual(answer(client)[6:8], b"\0\0")
        client.close()
        self.stop(proxy)
        self.assertIn("identical: 3 server frames rebuilt, 3 executed", self.expect_identical("verified.pcapng"))
        self.assertIn("connections: 1, clients sent", proxy.said)

    def test_addresses_are_those_of_client_and_listener(self):
        for listen_at, family in (("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1")):
            with self.subTest(listen_at):
                proxy = self.proxy(self.serve(), "addresses.pcapng", listen=listen_at)
                client = self.connect(proxy)
                client.sendall(NOOP)
                answer(client)
                port = client.getsockname()[1]
                client.close()
                self.stop(proxy)
                said = self.run_program("inspect", path("addresses.pcapng")).stdout
                client_end, server_end = (f"[{family}]:{end}" if ":" in family else f"{family}:{end}"
                                          for end in (port, proxy.port()))
                self.assertIn(f"client={client_end} server={server_end}", said)

    def test_unix_sockets_at_both_sides(self):
        server = self.serve("-s", path("server"))
        proxy = self.proxy("unix:" + path("server"), "unix.pcapng", listen="unix:" + path("proxy"))
        clients = [self.connect(proxy) for _ in range(3)]
        for client in clients:
            client.sendall(set_of(b"key", 10))
            answer(client)
            client.close()
        self.stop(proxy)
        self.assertFalse(os.path.exists(path("proxy")))
        self.expect_identical("unix.pcapng")
        said = self.run_program("inspect", path("unix.pcapng")).stdout
        self.assertIn("192.0.2.1:1025", said)
        self.assertIn("192.0.2.1:1027", said)
        self.assertIn("192.0.2.2:11211", said)
        self.stop(server)

    def test_standard_output_is_verified_meanwhile(self):
        server = self.serve()
        end, begin = os.pipe()
        verify = subprocess.Popen([PROGRAM, "verify", "-"], stdin=end, stdout=subprocess.PIPE)
        recorder = subprocess.Popen(
            [PROGRAM, "record", "-l", "127.0.0.1:0", "--to", server.address, "-o", "-"],
            stdout=begin, stderr=subprocess.PIPE, text=True)
        self.addCleanup(recorder.kill)
        self.addCleanup(verify.kill)
        os.close(end)
        os.close(begin)
        port = int(recorder.stderr.readline().rsplit(":", 1)[1])
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(NOOP)
        answer(client)
        client.close()
        recorder.terminate()
        said, _ = verify.communicate(timeout=PATIENCE)
        recorder.communicate(timeout=PATIENCE)
        self.assertEqual((recorder.returncode, verify.returncode), (0, 0), said)
        self.assertIn(b"identical: 1 server frame", said)

    def test_random_streams_are_on_the_tape_as_they_were_sent(self):
        """What both ends have sent and received equals what tshark reads in the file."""
        if not has_tshark():
            self.skipTest("tshark is not installed")
        print(f"seed {SEED}", flush=True)
        chance = random.Random(SEED)
        target, address = listen()
        proxy = self.proxy(address, "random.pcapng")
        talks = []
        for _ in range(8):
            client, server = self.connect(proxy), accept(target)
            talks.append(Talk(chance.randrange(1 << 32), client, server))
        for talk in talks:
            talk.start()
        for talk in talks:
            talk.join(PATIENCE)
        self.stop(proxy)
        dissected = Dissected("random.pcapng", [proxy.port()])
        self.assertEqual(dissected.complaints, [])
        self.assertEqual(len(dissected.streams), len(talks))
        found = {min(set(sides) - {proxy.port()}): sides for sides in dissected.streams.values()}
        for talk in talks:
            sides = found[talk.port]
            for sent, received, port in ((talk.sent[0], talk.received[1], talk.port),
                                         (talk.sent[1], talk.received[0], proxy.port())):
                self.assertTrue(sent == received, "handed on as it came")
                self.assertTrue(sent == sides[port][0], "recorded as it came")
        target.close()


class Talk(threading.Thread):
    """Both ends send random amounts at random moments, and end in random order."""

    def __init__(self, seed, client, server):
        super().__init__()
        self.chance = random.Random(seed)
        self.ends = (client, server)
        self.port = client.getsockname()[1]
        self.plans = [self.chance.randbytes(self.chance.choice([0, 1, 5000, 300000, 3000000])) for _ in (0, 1)]
        self.sent, self.received = [b"", b""], [b"", b""]

    def run(self):
        reading = {0, 1}
        while reading or len(self.sent[0]) + len(self.sent[1]) < sum(map(len, self.plans)):
            self.step(reading)

    def step(self, reading):
        for side in (0, 1):
            rest = self.plans[side][len(self.sent[side]):]
            writable = select.select([], [self.ends[side]], [], 0)[1]
            if rest and writable and self.chance.random() < 0.5:
                piece = rest[:self.chance.choice([1, 100, 4096, 70000])]
                self.ends[side].setblocking(False)
                try:
                    self.sent[side] += piece[:self.ends[side].send(piece)]
                except BlockingIOError:
                    pass
                if len(self.sent[side]) == len(self.plans[side]):
                    self.ends[side].shutdown(socket.SHUT_WR)
            elif not self.plans[side] and self.chance.random() < 0.1:
                try:
                    self.ends[side].shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it had been before
            if side in reading and select.select([self.ends[side]], [], [], 0)[0] and self.chance.random() < 0.5:
                got = self.ends[side].recv(self.chance.choice([1, 1000, 100000]))
                self.received[side] += got
                if not got:
                    reading.discard(side)


class Ends(RecordTest):
    def flags(self, name, proxy):
        """What each side has said in the end: flags over all packets of the only conversation."""
        if not has_tshark():
            self.skipTest("tshark is not installed")
        dissected = Dissected(name, [proxy.port()])
        self.assertLessEqual(set(dissected.complaints), {"Connection reset (RST)"})
        (sides,) = dissected.streams.values()
        server = sides.pop(proxy.port())
        (client,) = sides.values()
        return [[flag for flag in side[1] if flag & (FIN | RST)] for side in (client, server)]

    def pair(self, name):
        target, address = listen()
        self.addCleanup(target.close)
        proxy = self.proxy(address, name)
        return proxy, self.connect(proxy), accept(target)

    def test_a_client_that_has_sent_everything_still_gets_answers(self):
        proxy, client, server = self.pair("half.pcapng")
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(server), b"question")
        server.sendall(b"answer")
        server.close()
        self.assertEqual(receive_all(client), b"answer")
        self.stop(proxy)
        self.assertEqual(self.flags("half.pcapng", proxy), [[FIN | ACK], [FIN | ACK]])

    def test_a_server_that_has_ended_still_gets_what_the_client_sends(self):
        proxy, client, server = self.pair("other-half.pcapng")
        server.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")
        client.sendall(b"more")
        client.close()
        self.assertEqual(receive_all(server), b"more")
        server.close()
        self.stop(proxy)
        self.assertEqual(self.flags("other-half.pcapng", proxy), [[FIN | ACK], [FIN | ACK]])

    def test_a_client_that_breaks_off_is_broken_off_towards_the_server(self):
        proxy, client, server = self.pair("reset.pcapng")
        client.sendall(b"question")
        self.assertEqual(receive(server, 8), b"question")
        reset(client)
        with self.assertRaises(ConnectionResetError):
            server.recv(1)
        self.stop(proxy)
        self.assertEqual(self.flags("reset.pcapng", proxy), [[RST | ACK], []])

    def test_a_server_that_dies_in_the_middle_is_broken_off_towards_the_client(self):
        proxy, client, server = self.pair("died.pcapng")
        client.sendall(b"question")
        receive(server, 8)
        server.sendall(b"ans")
        self.assertEqual(receive(client, 3), b"ans")
        reset(server)
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.stop(proxy)
        self.assertEqual(self.flags("died.pcapng", proxy), [[], [RST | ACK]])

    def test_a_target_that_is_not_there_is_said_and_the_client_is_let_go(self):
        target, address = listen()
        target.close()
        proxy = self.proxy(address, "nobody.pcapng")
        client = self.connect(proxy)
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.stop(proxy, 4)
        self.assertIn("what clients wanted could not all be handed on", proxy.said)
        self.assertIn(f"127.0.0.1:{client.getsockname()[1]}: {address}: Connection refused", proxy.said)
        self.assertIn("not handed on: 1", proxy.said)
        self.assertEqual(self.flags("nobody.pcapng", proxy), [[], [RST | ACK]])

    def test_a_unix_target_that_is_not_there(self):
        proxy = self.proxy("unix:" + path("nobody"), "nobody.pcapng")
        with self.assertRaises(ConnectionResetError):
            self.connect(proxy).recv(1)
        self.stop(proxy, 4)
        self.assertIn("nobody: No such file or directory", proxy.said)


class Limits(RecordTest):
    def test_a_slow_reader_stops_its_sender_and_costs_no_memory(self):
        target, address = listen()
        self.addCleanup(target.close)
        proxy = self.proxy(address, "slow.pcapng")
        client, server = self.connect(proxy), accept(target)
        for sender in (client, server):
            sender.setblocking(False)
            total = 0
            while select.select([], [sender], [], 0.5)[1]:
                total += sender.send(b"x" * 65536)
            # Buffers of two sockets at each side, and the proxy's own.
            self.assertLess(total, 32 << 20)
        with open(f"/proc/{proxy.process.pid}/statm") as file:
            pages = int(file.read().split()[1])
        if "asan" not in os.environ.get("KVREPLAY_BUILD", ""):
            self.assertLess(pages * resource.getpagesize(), 64 << 20)
        client.close()
        server.close()
        self.stop(proxy)

    def test_no_disk_space_ends_it_before_anything_is_unrecorded(self):
        target, address = listen()
        self.addCleanup(target.close)
        done = self.run_program("record", "-l", "127.0.0.1:0", "--to", address, "-o", "/dev/full")
        self.assertEqual(done.returncode, 70)
        self.assertIn("/dev/full: No space left on device", done.stderr)

    def test_a_disk_that_fills_ends_it(self):
        """A limit of the file's size stands for the disk."""
        target, address = listen()
        self.addCleanup(target.close)
        proxy = self.proxy(address, "fills.pcapng")
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        client, server = self.connect(proxy), accept(target)
        threading.Thread(target=send_until_broken, args=(client,)).start()
        got = 0
        with self.assertRaises(ConnectionResetError):
            while more := server.recv(65536):
                got += len(more)
        self.assertEqual(proxy.wait(), 70)
        self.assertIn("fills.pcapng: File too large", proxy.said)
        self.assertLess(got, 2 << 20)

    def test_an_existing_file_is_not_lost(self):
        with open(path("mine.pcapng"), "w") as file:
            file.write("mine")
        arguments = ["record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "-o", path("mine.pcapng")]
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 70)
        self.assertIn("it exists", done.stderr)
        with open(path("mine.pcapng")) as file:
            self.assertEqual(file.read(), "mine")
        self.assertEqual(self.run_program(*arguments, "--force", "--limit", "seconds:1").returncode, 4)

    def test_what_recorded_nothing_has_not_succeeded(self):
        proxy = self.proxy(self.serve(), "nothing.pcapng")
        self.stop(proxy, 4)
        self.assertIn("nothing was recorded: nobody has connected", proxy.said)
        proxy = self.proxy(self.serve(), "nothing.pcapng")
        self.connect(proxy).close()
        self.stop(proxy, 4)
        self.assertIn("nothing was recorded: ", proxy.said)

    def test_two_recorders_do_not_write_one_file(self):
        for options in ([], ["--rotate-size", "1m"]):
            with self.subTest(options):
                server = self.serve()
                first = self.proxy(server, "one.pcapng", *options)
                second = self.run_program("record", "-l", "127.0.0.1:0", "--to", server.address, "-o",
                                          path("one.pcapng"), "--force", *options)
                self.assertEqual(second.returncode, 70)
                self.assertIn("another process is recording to it", second.stderr)
                client = self.connect(first)
                client.sendall(NOOP)
                answer(client)
                client.close()
                self.stop(first)
                self.expect_identical("one-00001.pcapng" if options else "one.pcapng")

    def test_captures_are_for_their_owner_alone(self):
        for left in False, True:
            with self.subTest(left=left):
                with open(path("private.pcapng"), "w") if left else open(os.devnull):
                    os.umask(0)
                self.run_program("record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "-o",
                                 path("private.pcapng"), "--force", "--limit", "seconds:1")
                self.assertEqual(os.stat(path("private.pcapng")).st_mode & 0o777, 0o600)


def status_of(child):
    """Of a process, as the kernel has it: {"Uid": ["0", "0", "0", "0"], ...}"""
    with open(f"/proc/{child.process.pid}/status", encoding="ascii") as file:
        return {name: value.split() for name, value in (line.split(":", 1) for line in file)}


class Privileges(RecordTest):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("not root")
        self.nobody = pwd.getpwnam("nobody")
        os.chmod(folder, 0o755)
        self.home = path("home-" + self.id().rpartition(".")[2])
        os.mkdir(self.home)

    def talk(self, output, *options):
        server = self.serve()
        proxy = self.record("-l", "127.0.0.1:0", "--to", server.address, "-o", output, *options)
        client = self.connect(proxy)
        client.sendall(NOOP)
        answer(client)
        status = status_of(proxy)
        client.close()
        self.stop(proxy)
        self.assertEqual([status[name] for name in ("CapEff", "CapPrm")], [["0" * 16]] * 2)
        self.assertEqual(status["NoNewPrivs"], ["1"])
        return status

    def expect_nobody(self, status, output):
        ids = str(self.nobody.pw_uid), str(self.nobody.pw_gid)
        self.assertEqual((status["Uid"], status["Gid"]), ([ids[0]] * 4, [ids[1]] * 4))
        self.assertNotIn("0", status["Groups"])
        self.assertEqual(os.stat(output).st_uid, self.nobody.pw_uid)

    def test_root_becomes_the_owner_of_the_folder(self):
        os.chown(self.home, self.nobody.pw_uid, self.nobody.pw_gid)
        output = os.path.join(self.home, "owned.pcapng")
        self.expect_nobody(self.talk(output), output)

    def test_root_becomes_who_is_named(self):
        os.chmod(self.home, 0o777)
        output = os.path.join(self.home, "named.pcapng")
        self.expect_nobody(self.talk(output, "--user", "nobody"), output)

    def test_in_a_folder_of_its_own_root_keeps_no_capability(self):
        status = self.talk(os.path.join(self.home, "own.pcapng"))
        self.assertEqual(status["Uid"], ["0"] * 4)

    def test_nobody_else_is_become(self):
        done = self.run_program("record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "-o", path("none.pcapng"),
                                "--user", "no-such-user")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--user: there is no user 'no-such-user'", done.stderr)

    def test_a_user_who_cannot_open_the_file_is_named(self):
        os.chmod(self.home, 0o755)
        done = self.run_program("record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "-o",
                                os.path.join(self.home, "denied.pcapng"), "--user", "nobody")
        self.assertEqual(done.returncode, 70)
        self.assertIn("Permission denied", done.stderr)
        self.assertIn("root was given up for user %d; --user names another" % self.nobody.pw_uid, done.stderr)

    def test_others_than_root_cannot_become_root(self):
        home = tempfile.mkdtemp(prefix="kvreplay-record-")
        try:
            os.chmod(home, 0o755)
            program = shutil.copy(PROGRAM, home)  # where it is built, nobody else may get to
            done = subprocess.run([program, "record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "-o", "-", "--user",
                                   "root"], user=self.nobody.pw_uid, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, check=False)
        finally:
            shutil.rmtree(home)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--user: can't become 'root': only root can change the user", done.stderr)

    def test_it_ends_after_so_many_packets_and_records_what_is_on_its_way(self):
        proxy = self.proxy(self.serve(), "packets.pcapng", "--limit", "packets:10")
        client = self.connect(proxy)
        try:
            client.sendall(NOOP)
            while len(answer(client)) == 24:
                client.sendall(NOOP)
        except (ConnectionResetError, BrokenPipeError):
            pass
        self.assertEqual(proxy.wait(), 0)
        # Three packets are a handshake's; the tenth is the fourth request.
        self.assertIn("identical: 4 server frames", self.expect_identical("packets.pcapng"))

    def test_a_limit_of_bytes(self):
        proxy = self.proxy(self.serve(), "bytes.pcapng", "--limit", "bytes:1k")
        client = self.connect(proxy)
        client.sendall(set_of(b"key", 2000))
        self.assertEqual(len(answer(client)), 24)
        self.assertEqual(proxy.wait(), 0)
        self.expect_identical("bytes.pcapng")


def send_until_broken(client):
    try:
        while True:
            client.sendall(b"x" * 65536)
    except OSError:
        pass


class Stopping(RecordTest):
    def test_under_load_answers_are_recorded_and_delivered(self):
        """Clients ask on and on; those requests that were recorded are answered, on the tape and to them."""
        proxy = self.proxy(self.serve("-t", "2"), "load.pcapng")
        clients = [Asking(self.connect(proxy)) for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.going.wait(PATIENCE)
        self.stop(proxy)
        for client in clients:
            client.join(PATIENCE)
            self.assertEqual(client.rest, b"", "answers are whole")
        said = self.verify("load.pcapng")
        delivered = sum(client.answers for client in clients)
        self.assertIn(f"identical: {delivered:,} server frames rebuilt", said)
        self.assertNotIn("lost", said)
        self.assertNotIn("cut off", proxy.said)

    def test_idle_clients_are_not_waited_for(self):
        proxy = self.proxy(self.serve(), "idle.pcapng")
        client = self.connect(proxy)
        client.sendall(NOOP)
        answer(client)
        self.stop(proxy)
        self.assertEqual(client.recv(1), b"")
        self.expect_identical("idle.pcapng")

    def test_a_second_signal_cuts_off_who_does_not_end(self):
        target, address = listen()
        self.addCleanup(target.close)
        proxy = self.proxy(address, "second.pcapng")
        client, server = self.connect(proxy), accept(target)
        client.sendall(b"question")
        receive(server, 8)
        proxy.signal(signal.SIGINT)
        self.assertEqual(server.recv(1), b"")  # the first has had its effect
        self.stop(proxy)
        self.assertIn("cut off in the end: 1", proxy.said)


class Asking(threading.Thread):
    def __init__(self, client):
        super().__init__()
        self.client, self.going = client, threading.Event()
        self.answers, self.rest = 0, b""

    def run(self):
        batch = b"".join(get_of(b"missing") for _ in range(50))
        try:
            while True:
                self.client.sendall(batch)
                got = self.client.recv(1 << 16)
                self.take(got)
                if not got:
                    return
        except (ConnectionResetError, BrokenPipeError):
            self.drain()

    def drain(self):
        try:
            while got := self.client.recv(1 << 16):
                self.take(got)
        except ConnectionResetError:
            pass

    def take(self, got):
        self.rest += got
        while len(self.rest) >= 24 and len(self.rest) >= (size := 24 + struct.unpack(">I", self.rest[8:12])[0]):
            self.rest = self.rest[size:]
            self.answers += 1
        if self.answers > 2000:
            self.going.set()


class Rotation(RecordTest):
    def talk(self, name, *options):
        proxy = self.proxy(self.serve(), name, *options)
        client = self.connect(proxy)
        for i in range(40):
            client.sendall(set_of(b"key %d" % (i % 5), 3000, i))
            answer(client)
            client.sendall(get_of(b"key %d" % (i % 5), i))
            answer(client)
        client.close()
        self.stop(proxy)
        return proxy

    def files(self, stem):
        return sorted(name for name in os.listdir(folder) if name.startswith(stem))

    def test_by_size_files_together_are_the_whole(self):
        self.talk("set.pcapng", "--rotate-size", "20k")
        files = self.files("set-")
        self.assertGreater(len(files), 5)
        self.assertEqual(files[:2], ["set-00001.pcapng", "set-00002.pcapng"])
        with open(path("whole.pcapng"), "wb") as whole:
            for name in files:
                self.assertLessEqual(os.path.getsize(path(name)), 20 * 1024)
                with open(path(name), "rb") as part:
                    whole.write(part.read())
        said = self.expect_identical("whole.pcapng")
        self.assertIn("identical: 80 server frames rebuilt, 80 executed", said)

    def test_each_file_alone_is_a_capture(self):
        self.talk("alone.pcapng", "--rotate-size", "20k")
        for name in self.files("alone-"):
            self.verify(name)

    def test_an_earlier_set_is_in_the_way_unless_it_is_to_be_replaced(self):
        self.talk("old.pcapng", "--rotate-size", "10k")
        before = self.files("old-")
        done = self.run_program("record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "-o", path("old.pcapng"),
                                "--rotate-size", "1m")
        self.assertEqual(done.returncode, 70)
        self.assertIn("exists", done.stderr)
        self.assertEqual(self.files("old-"), before)
        self.talk("old.pcapng", "--rotate-size", "1m")
        self.assertEqual(self.files("old-"), ["old-00001.pcapng"])

    def test_by_time(self):
        proxy = self.proxy(self.serve(), "time.pcapng", "--rotate-time", "1")
        client = self.connect(proxy)
        while len(self.files("time-")) < 2:
            client.sendall(NOOP)
            answer(client)
            select.select([], [], [], 0.05)
        client.close()
        self.stop(proxy)
        self.assertEqual(self.files("time-")[:2], ["time-00001.pcapng", "time-00002.pcapng"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
