#!/usr/bin/env python3
"""interop.py SPEAK: either side of SASL against others: SCRAM computed by Python's hashlib and hmac, and GNU SASL's gsasl.

gsasl has no SHA-512, and as a server it has one password for all users; where it is not installed it is left out."""
import base64
import hashlib
import hmac
import secrets
import shutil
import subprocess
import sys

SPEAK = sys.argv[1]
DIGESTS = {"SCRAM-SHA512": "sha512", "SCRAM-SHA256": "sha256", "SCRAM-SHA1": "sha1"}
GSASL = {"SCRAM-SHA256": "SCRAM-SHA-256", "SCRAM-SHA1": "SCRAM-SHA-1", "PLAIN": "PLAIN"}


class Lines:
    """A program that is spoken to in lines."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def say(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def hear(self):
        return self.process.stdout.readline().rstrip("\n")

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        rest = self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(), rest


def ours(side, mechanism, name, password):
    return Lines(SPEAK, side, mechanism, name, password)


def b64(data):
    return base64.b64encode(data).decode()


class Scram:
    """What RFC 5802 says that both sides compute."""

    def __init__(self, mechanism, password, salt, iterations):
        self.digest = DIGESTS[mechanism]
        salted = hashlib.pbkdf2_hmac(self.digest, password.encode(), salt, iterations)
        self.client_key = self.sign(salted, b"Client Key")
        self.server_key = self.sign(salted, b"Server Key")
        self.stored_key = hashlib.new(self.digest, self.client_key).digest()

    def sign(self, key, message):
        return hmac.new(key, message, self.digest).digest()

    def proof(self, message):
        return bytes(a ^ b for a, b in zip(self.client_key, self.sign(self.stored_key, message)))


def attributes(message):
    return dict(part.split("=", 1) for part in message.split(","))


def python_client(mechanism, name, password, right):
    """Whether our server lets in a client that knows the password `right`, or any that is said."""
    server = ours("server", mechanism, name, right)
    if mechanism == "PLAIN":
        server.say(b64(f"\0{name}\0{password}".encode()))
        return server.end()[1].endswith("ok\n")
    bare = f"n={name.replace('=', '=3D').replace(',', '=2C')},r={secrets.token_hex(8)}"
    server.say(b64(("n,," + bare).encode()))
    challenge = base64.b64decode(server.hear().removeprefix("C ")).decode()
    said = attributes(challenge)
    scram = Scram(mechanism, password, base64.b64decode(said["s"]), int(said["i"]))
    final = "c=biws,r=" + said["r"]
    message = f"{bare},{challenge},{final}".encode()
    server.say(b64(f"{final},p={b64(scram.proof(message))}".encode()))
    answer = server.hear()
    server.end()
    if not answer.startswith("S "):
        return False
    signature = base64.b64decode(answer.removeprefix("S ")).decode()
    assert signature == "v=" + b64(scram.sign(scram.server_key, message)), "the server's signature is wrong"
    return True


def python_server(mechanism, name, password, right):
    """What our client, which knows `password`, comes to at a server that knows `right`."""
    client = ours("client", mechanism, name, password)
    first = base64.b64decode(client.hear()).decode()
    if mechanism == "PLAIN":
        assert first == f"\0{name}\0{password}"
        client.say("S ")
        return client.end()[1].strip() == "ok"
    salt, iterations = secrets.token_bytes(16), 5000
    bare = first.removeprefix("n,,")
    assert attributes(bare)["n"] == name.replace("=", "=3D").replace(",", "=2C")
    nonce = attributes(bare)["r"] + secrets.token_hex(8)
    challenge = f"r={nonce},s={b64(salt)},i={iterations}"
    client.say("C " + b64(challenge.encode()))
    final = base64.b64decode(client.hear()).decode()
    before, proof = final.rsplit(",p=", 1)
    assert before == "c=biws,r=" + nonce
    scram = Scram(mechanism, right, salt, iterations)
    message = f"{bare},{challenge},{before}".encode()
    matches = base64.b64decode(proof) == scram.proof(message)
    client.say("S " + b64(b"v=" + b64(scram.sign(scram.server_key, message)).encode()))
    accepted = client.end()[1].strip() == "ok"
    assert accepted == matches, "the client takes a signature for right that is not, or the other way round"
    return matches


def gsasl(side, mechanism, name, password):
    arguments = ["gsasl", side, "-m", GSASL[mechanism], "-a", name, "-p", password, "--no-cb", "--quiet"]
    if mechanism == "PLAIN":
        arguments += ["-z", ""]
    program = Lines(*arguments)
    assert program.hear() == GSASL[mechanism]
    return program


def gsasl_client(mechanism, name, password, right):
    client, server = gsasl("--client", mechanism, name, password), ours("server", mechanism, name, right)
    while True:
        line = client.hear()
        server.say(line)
        answer = server.hear()
        if not answer.startswith("C "):
            break
        client.say(answer[2:])
    if answer.startswith("S ") and answer != "S ":
        client.say(answer[2:])
        client.say("")
    status, _ = client.end()
    server.end()
    if mechanism != "PLAIN" and answer.startswith("S "):
        assert status == 0, "gsasl does not accept the server's signature"
    return answer.startswith("S ")


def gsasl_server(mechanism, name, password, right):
    server, client = gsasl("--server", mechanism, name, right), ours("client", mechanism, name, password)
    assert server.hear() == ""  # it has nothing to say first
    server.say(client.hear())
    client.say("C " + server.hear())
    server.say(client.hear())
    answer = server.hear()
    if answer:
        client.say("S " + answer)
    accepted = client.end()[1].strip() == "ok"
    server.end()
    return accepted


def check(peer, mechanism, name):
    assert peer(mechanism, name, "secret", "secret"), f"{peer.__name__}, {mechanism}, {name}: not let in"
    # The Python server believes whatever PLAIN says.
    if peer is not python_server or mechanism != "PLAIN":
        assert not peer(mechanism, name, "Secret", "secret"), f"{peer.__name__}, {mechanism}: let in"


def main():
    for mechanism in [*DIGESTS, "PLAIN"]:
        for name in ["ann", "a=b,c", "\u00e9"]:
            check(python_client, mechanism, name)
            check(python_server, mechanism, name)
    if not shutil.which("gsasl"):
        print("gsasl is not installed: not compared with it")
        return
    for mechanism in GSASL:
        check(gsasl_client, mechanism, "ann")
        if mechanism != "PLAIN":
            check(gsasl_server, mechanism, "ann")


main()
