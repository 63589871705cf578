"""Logging in: replay does it itself with --user, in place of what was recorded."""
import os
import socket
import struct
import subprocess
import threading

from live import (PATIENCE, Run, capture, check, finish, mcbp, program, scratch, serve)

LIST, AUTH, STEP, SELECT_BUCKET = mcbp.SASL_LIST, mcbp.SASL_AUTH, mcbp.SASL_STEP, 0x89
SUCCESS, AUTH_ERROR, CONTINUE, NO_BUCKET = 0, 0x20, 0x21, 8
FEATURES = struct.pack("!HH", 7, 8)  # XERROR, SELECT_BUCKET
USERS = "--dialect", "couchbase", "--user", "client:secret"


def couchbase(conversation):
    """As Couchbase's clients begin: HELLO and the login at once, then the bucket."""
    conversation.client(mcbp.request(mcbp.HELLO, b"agent", value=FEATURES, opaque=1), mcbp.request(LIST, opaque=2),
                        mcbp.request(AUTH, b"SCRAM-SHA1", value=b"n,,n=x,r=y", opaque=3))
    conversation.server(mcbp.response(mcbp.HELLO, value=FEATURES, opaque=1),
                        mcbp.response(LIST, value=b"SCRAM-SHA1 PLAIN", opaque=2),
                        mcbp.response(AUTH, status=CONTINUE, value=b"r=yz,s=c2FsdA==,i=4096", opaque=3))
    conversation.exchange([
        (mcbp.request(STEP, b"SCRAM-SHA1", value=b"c=biws,r=yz,p=eA==", opaque=4),
         mcbp.response(STEP, value=b"v=eA==", opaque=4)),
        (mcbp.request(SELECT_BUCKET, b"default", opaque=5), mcbp.response(SELECT_BUCKET, opaque=5)),
        (mcbp.store(mcbp.SET, b"k", b"value", opaque=6), mcbp.response(mcbp.SET, opaque=6, cas=17)),
        (mcbp.request(mcbp.GET, b"k", opaque=7),
         mcbp.response(mcbp.GET, extras=bytes(4), value=b"value", opaque=7, cas=17)),
    ])


RECORDED = capture("couchbase.pcap", couchbase)
SECRET = {"KVREPLAY_PASSWORD": "secret"}


def password_file(name, content, mode=0o600):
    path = scratch / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


def replaces_the_recorded_login():
    with serve(*USERS) as server:
        run = Run(server.address, "--user", "client", RECORDED, environment=SECRET)
        run.expect("with the password in the environment", 0, compared=4, identical=4, not_compared=3)
        check(run.replayed["not_compared_why"]["login"] == 3, "answers that are not compared")
        check(run.replayed["not_sent"]["login"] == 3, "requests that are not sent")
        check("not compared  logins' answers 3" in run.out, run.out)
        check("not sent      requests of logins 3" in run.out, run.out)
        check(run.report["settings"]["user"] == "client", "settings")
        check("secret" not in run.out + run.err + str(run.report), "the password in a report")


def password_from_a_file():
    for content in b"secret", b"secret\n", b"secret\nnotes behind it\n":
        with serve(*USERS) as server:
            path = password_file("password", content)
            Run(server.address, "--user", "client", "--password-file", path, RECORDED).expect(repr(content), 0, identical=4)


def both_servers():
    with serve(*USERS) as one, serve(*USERS) as other:
        run = Run(one.address, "--against", other.address, "--user", "client", RECORDED, environment=SECRET)
        run.expect("--against", 0, identical=4)
    with serve(*USERS) as one, serve("--dialect", "couchbase", "--user", "client:another") as other:
        run = Run(one.address, "--against", other.address, "--user", "client", RECORDED, environment=SECRET)
        run.expect("--against a server with another password", 4, compared=0)
        check(f"{other.address}: login as client" in run.out, run.out)


def everybody_is_let_in():
    with serve("--dialect", "couchbase") as server:
        Run(server.address, "--user", "client", RECORDED, environment=SECRET).expect("a server without users", 0, identical=4)


def not_asked_for():
    """The recorded login goes out as it is, and cannot succeed with another challenge."""
    with serve(*USERS) as server:
        run = Run(server.address, RECORDED)
        check(run.status in (1, 4), run.out)
        check("hint: to log in" in run.out and "--user" in run.out, run.out)


def refusals():
    for what, options, user in (("a wrong password", USERS, "client"), ("an unknown user", USERS, "nobody")):
        with serve(*options) as server:
            run = Run(server.address, "--user", user, RECORDED, environment={"KVREPLAY_PASSWORD": "wrong"})
            run.expect(what, 4, compared=0)
            expected = f"{server.address}: login as {user}: the server answers SCRAM-SHA512 with AUTH_ERROR (for connection 1)"
            check(expected in run.out, run.out)
    with serve() as server:  # memcached's dialect, without SASL
        run = Run(server.address, "--user", "client", RECORDED, environment=SECRET).expect("no SASL", 4)
        check("the server answers SASL_LIST_MECHS with UNKNOWN_COMMAND" in run.out, run.out)


class Answering:
    """A server that answers the first requests with these, whatever they are, and then closes; None: never answers."""

    def __init__(self, *answers, path=None):
        self.answers, self.asked = answers, []
        family = socket.AF_INET if path is None else socket.AF_UNIX
        self.listener = socket.create_server(("127.0.0.1", 0)) if path is None else socket.socket(family)
        if path is not None:
            self.listener.bind(path)
            self.listener.listen()
        self.address = f"unix:{path}" if path else "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.talk, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def talk(self):
        client, _ = self.listener.accept()
        with client, client.makefile("rb") as stream:
            for answer in self.answers:
                header = stream.read(24)
                self.asked.append(header + stream.read(struct.unpack_from("!I", header, 8)[0]))
                if answer is None:
                    stream.read()
                    return
                client.sendall(answer)


def listing(mechanisms):
    return mcbp.response(LIST, value=mechanisms)


def bad_servers():
    cases = [
        ((listing(b"PLAIN"),), "the server offers PLAIN only, which shows the password; use --tls"),
        ((listing(b"GSSAPI"),), "the server offers no mechanism that is known here"),
        ((), "the server has closed the connection"),
        ((b"VERSION 1.6\r\n" * 3,), "what the server has sent is no answer to it"),
        ((mcbp.response(mcbp.NOOP),), "what the server has sent is no answer to it"),
        ((mcbp.request(LIST),), "what the server has sent is no answer to it"),
        ((mcbp.frame(0x81, LIST, body_length=1 << 30),), "what the server has sent is no answer to it"),
        ((mcbp.frame(0x81, LIST, key_length=9, value=b"short"),), "what the server has sent is no answer to it"),
        ((listing(b"SCRAM-SHA1"), mcbp.response(AUTH, status=CONTINUE, value=b"r=x")), "the server's challenge is malformed"),
        ((listing(b"SCRAM-SHA1"), mcbp.response(AUTH, value=b"v=x")), "the server's last message is malformed"),
        ((listing(b"SCRAM-SHA1"), mcbp.response(AUTH, status=NO_BUCKET)), "the server answers SCRAM-SHA1 with NO_BUCKET"),
    ]
    for answers, why in cases:
        with Answering(*answers) as server:
            run = Run(server.address, "--user", "client", RECORDED, environment=SECRET).expect(why, 4, compared=0)
            check(f"{server.address}: login as client: {why} (for connection 1)" in run.out, f"{why}: {run.out}")
    with Answering(None) as server:
        run = Run(server.address, "--user", "client", "--timeout", 1, RECORDED, environment=SECRET).expect("silence", 4)
        check("login as client: no answer in time" in run.out and run.seconds < 10, run.out)


def plain_where_nobody_listens():
    path = str(scratch / "plain")
    with Answering(listing(b"PLAIN"), mcbp.response(AUTH, status=AUTH_ERROR), path=path) as server:
        Run(server.address, "--user", "client", RECORDED, environment=SECRET).expect("PLAIN over a UNIX socket", 4)
        check(server.asked[1:] == [mcbp.request(AUTH, b"PLAIN", value=b"\0client\0secret")], f"{server.asked}")


def over_tls():
    key, certificate = scratch / "key.pem", scratch / "certificate.pem"
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                           "-addext", "subjectAltName=IP:127.0.0.1"], capture_output=True)
    if made.returncode != 0:
        print("no openssl here")
        return
    with serve(*USERS, "--tls-cert", certificate, "--tls-key", key) as server:
        tls = "--tls", "--tls-ca", certificate
        Run(server.address, *tls, "--user", "client", RECORDED, environment=SECRET).expect("over TLS", 0, identical=4)
        run = Run(server.address, *tls, "--user", "client", RECORDED, environment={"KVREPLAY_PASSWORD": "wrong"})
        check(run.status == 4 and "AUTH_ERROR" in run.out, run.out)


def usage():
    def wrong(said, *arguments, environment={}):
        without = {k: v for k, v in os.environ.items() if k != "KVREPLAY_PASSWORD"}
        done = subprocess.run([program, "replay", "--to", "localhost:1", *arguments, RECORDED], capture_output=True, text=True,
                              env={**without, **environment}, timeout=PATIENCE)
        check(done.returncode == 2 and said in done.stderr, f"{arguments}: {done.returncode} {done.stderr}")
    wrong("--user: no password, neither by --password-file nor in KVREPLAY_PASSWORD", "--user", "client")
    wrong("--password-file without --user", "--password-file", password_file("fine", b"secret"))
    wrong("is empty, too long, or has a NUL", "--user", "client", environment={"KVREPLAY_PASSWORD": ""})
    wrong("is empty, too long, or has a NUL", "--user", "c" * 257, environment=SECRET)
    wrong("is empty, too long, or has a NUL", "--user", "client", "--password-file", password_file("empty", b"\nsecret\n"))
    wrong("is empty, too long, or has a NUL", "--user", "client", "--password-file", password_file("nul", b"a\0b"))
    wrong("too long for a password", "--user", "client", "--password-file", password_file("long", b"x" * 1025))
    wrong("others can read or write it", "--user", "client", "--password-file", password_file("open", b"secret", 0o644))
    wrong("No such file", "--user", "client", "--password-file", scratch / "absent")


for test in (replaces_the_recorded_login, password_from_a_file, both_servers, everybody_is_let_in, not_asked_for, refusals,
             bad_servers, plain_where_nobody_listens, over_tls, usage):
    test()
finish()
