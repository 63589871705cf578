#!/usr/bin/env python3
"""interrupt.py KVREPLAY PROJECT PLUGINS: SIGINT and SIGTERM, sent to each command while it waits for the rest
of a capture, end it with status 4 and what it has, marked as interrupted; a second signal ends it at
once. Files are there as a whole or not at all."""
import array
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import xml.dom.minidom

KVREPLAY, PROJECT, PLUGINS = sys.argv[1:4]
CAPTURE = os.path.join(PROJECT, "corpus", "captures", "mixed.pcap")
PATIENCE = 60
F_SETPIPE_SZ = 1031
USER = ["--user", "root"] if os.geteuid() == 0 else []
PLOT = ["--plot", "o.svg"] if shutil.which("gnuplot") else []


def wait_until(process, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None:
            return
        if time.monotonic() > end:
            process.kill()
            sys.exit("%s: it does not come to wait" % process.args)
        time.sleep(0.005)


def field(process, name):
    with open("/proc/%d/status" % process.pid, encoding="ascii") as file:
        return next(line.split()[1] for line in file if line.startswith(name + ":"))


def catches(process):
    return int(field(process, "SigCgt"), 16) >> (signal.SIGTERM - 1) & 1


def unread(pipe):
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


class Run:
    """A command in a folder of its own. `{}` in its arguments is a FIFO, `-` standard input; either
    has got `given` bytes of a capture when a signal comes."""

    def __init__(self, arguments, given=0):
        self.folder = tempfile.TemporaryDirectory(prefix="kvreplay-interrupt-")
        fifo = os.path.join(self.folder.name, "fifo")
        os.mkfifo(fifo)
        stdin, pipe = os.pipe()
        self.arguments = arguments
        self.process = subprocess.Popen(
            [KVREPLAY] + [fifo if one == "{}" else one for one in arguments], stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder.name)
        os.close(stdin)
        self.pipes = [pipe]
        if given > 0 and "{}" in arguments:
            pipe = os.open(fifo, os.O_WRONLY)
            self.pipes.append(pipe)
        if given > 0:
            with open(CAPTURE, "rb") as file:
                os.write(pipe, file.read()[:given])
        wait_until(self.process, lambda: catches(self.process) and (
            not (given > 0 or "-" in arguments or "{}" in arguments) or
            (unread(pipe) == 0 and field(self.process, "State") == "S")))

    def signal(self, *numbers):
        for number in numbers:
            self.process.send_signal(number)
        return self

    def end(self):
        """Status, and all that was printed."""
        try:
            out, said = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            sys.exit("%s: it does not end" % self.arguments)
        for pipe in self.pipes:
            os.close(pipe)
        return self.process.returncode, (out + said).decode(errors="replace")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def names(self):
        return sorted(set(os.listdir(self.folder.name)) - {"fifo"})


def check(condition, run, text):
    if not condition:
        sys.exit("%s: %s\n%s" % (run.arguments, sys._getframe(1).f_lineno, text))


def interrupt(arguments, number, given=0):
    run = Run(arguments, given).signal(number)
    status, text = run.end()
    check(status == 4, run, "status %s\n%s" % (status, text))
    check("interrupted" in text, run, text)
    return run, text


def verify_reports_what_it_has(number):
    run, text = interrupt(["verify", "--json", "o.json", "--junit", "o.xml", "{}", CAPTURE], number,
                          12000)
    with open(run.path("o.json"), encoding="utf-8") as file:
        report = json.load(file)
    first, second = report["captures"]
    check(report["interrupted"] is True and report["status"] == 4, run, report)
    check(first["rebuilt"]["compared"] > 0 and "interrupted" in first["problem"], run, first)
    check("not read" in second["problem"], run, second)
    suites = xml.dom.minidom.parse(run.path("o.xml")).toxml()
    check("interrupted after" in suites, run, suites)


def verify_waits_for_its_input(number):
    interrupt(["verify", "-"], number)
    interrupt(["verify", "-"], number, 10)  # in the middle of the file's header
    interrupt(["verify", "{}"], number)


def other_commands_end_with_what_they_have(number):
    _, text = interrupt(["inspect", "{}"], number, 12000)
    check("GET" in text, _, text)
    interrupt(["inspect", "--json", "-"], number, 12000)
    run, _ = interrupt(["corpus", "--target", "frame", "-o", "seeds", "{}"], number, 12000)
    check(run.names() == ["seeds"] and os.listdir(run.path("seeds")) != [], run, "")
    run, _ = interrupt(["anonymise", "-o", "o.pcap", "{}"], number, 12000)
    check(run.names() == [], run, run.names())
    run, _ = interrupt(["bench", "--writers", "batch", "--sinks", "memory", "--sizes", "16",
                        "--depths", "1,2,4", "--repeat", "3", "--time", "3000", "--json",
                        "o.json", *PLOT], number)
    check(run.names() == ["o.json"], run, run.names())  # a plot does not show that it is of a part
    with open(run.path("o.json"), encoding="utf-8") as file:
        check(json.load(file)["interrupted"] is True, run, "")


def bench_reports_that_it_was_interrupted_while_it_read(number):
    run, _ = interrupt(["bench", "--from", "{}", "--sinks", "memory", "--json", "o.json"], number,
                       12000)
    with open(run.path("o.json"), encoding="utf-8") as file:
        report = json.load(file)
    check(report["interrupted"] is True and report["cells"] == [], run, report)


def replay_reports_what_it_has(number):
    server = subprocess.Popen([KVREPLAY, "serve", "-p", "0"], stdout=subprocess.PIPE)
    try:
        address = server.stdout.readline().decode().split(": ")[1].strip()
        run, _ = interrupt(["replay", "--to", address, "--json", "o.json", "{}"], number, 12000)
        with open(run.path("o.json"), encoding="utf-8") as file:
            report = json.load(file)
        check(report["interrupted"] is True, run, report)
    finally:
        server.terminate()
        check(server.wait(PATIENCE) == 0, run, "the server")


def a_second_signal_ends_at_once():
    """While the report can't be written: nobody reads it."""
    for first, second in ((signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM),
                          (signal.SIGTERM, signal.SIGINT)):
        run = Run(["inspect", CAPTURE, "--hex", CAPTURE, CAPTURE, CAPTURE, CAPTURE])
        wait_until(run.process, lambda: unread(run.process.stdout.fileno()) >= 65536)
        run.signal(first)
        wait_until(run.process, lambda: not catches(run.process))
        run.signal(second)
        wait_until(run.process, lambda: False if run.process.poll() is None else True)
        check(run.process.returncode == -second, run, run.process.returncode)
        run.end()


def is_interrupted_at_once(arguments, number):
    """While a writer hangs, which says so; it may do so for a minute."""
    folder = tempfile.TemporaryDirectory(prefix="kvreplay-interrupt-")
    process = subprocess.Popen([KVREPLAY, *arguments, "--writer-timeout", "60"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, cwd=folder.name, text=True,
                               env=dict(os.environ, MISBEHAVE="hang"))
    while process.stderr.readline() not in ("hanging\n", ""):
        pass
    sent = time.monotonic()
    process.send_signal(number)
    try:
        out, said = process.communicate(timeout=PATIENCE // 2)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.exit("%s: it waits for the writer" % arguments)
    took = time.monotonic() - sent
    if process.returncode != 4 or "interrupted" not in out + said:
        sys.exit("%s: status %s\n%s" % (arguments, process.returncode, out + said))
    with open(os.path.join(folder.name, "o.json"), encoding="utf-8") as file:
        report = json.load(file)
    if report["interrupted"] is not True or "no return within" in json.dumps(report):
        sys.exit("%s: %s" % (arguments, report))
    print("%s: after %.1f s" % (arguments[0], took))


def a_writer_that_hangs_is_not_waited_for(number):
    writer = os.path.join(PLUGINS, "misbehaving.so")
    whole = os.path.join(PROJECT, "corpus", "damaged", "whole.pcap.gz")
    is_interrupted_at_once(["verify", "--writer", writer, "--json", "o.json", whole], number)
    is_interrupted_at_once(["bench", "--writers", "batch," + writer, "--sinks", "memory", "--sizes",
                            "16", "--depths", "16", "--repeat", "1", "--time", "1", "--json",
                            "o.json"], number)


def a_third_signal_ends_a_recorder_whose_capture_nobody_reads():
    target = socket.create_server(("127.0.0.1", 0))
    process = subprocess.Popen([KVREPLAY, "record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:%d" %
                                target.getsockname()[1], "-o", "-"], bufsize=0,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    port = int(process.stderr.readline().rpartition(b":")[2])
    room = fcntl.fcntl(process.stdout, F_SETPIPE_SZ, 1)
    process.stdout.read(room) # the file's header; nothing more is read
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(bytes(16 * room))
    wait_until(process, lambda: unread(process.stdout.fileno()) == room)
    wait_until(process, lambda: process.send_signal(signal.SIGTERM))
    if process.returncode != -signal.SIGTERM:
        sys.exit("record to a pipe that nobody reads: status %s" % process.returncode)
    process.communicate()


def servers_say_how_it_went_when_signals_come_at_their_end():
    """A recorder is ended by the third."""
    for status, signals, arguments in (
            (0, 1000, ["serve", "-p", "0", "-t", "1"]),
            (4, 2, ["record", "-l", "127.0.0.1:0", "--to", "127.0.0.1:1", "-o", os.devnull,
                    "--force", *USER])):
        for _ in range(20):
            process = subprocess.Popen([KVREPLAY, *arguments], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
            if not process.stdout.readline().startswith(b"ready"):
                sys.exit("%s: not ready" % arguments)
            for _ in range(signals):
                process.send_signal(signal.SIGTERM)
            process.communicate()
            if process.returncode != status:
                sys.exit("%s: status %s" % (arguments, process.returncode))


def main():
    for number in (signal.SIGINT, signal.SIGTERM):
        verify_reports_what_it_has(number)
        verify_waits_for_its_input(number)
        other_commands_end_with_what_they_have(number)
        bench_reports_that_it_was_interrupted_while_it_read(number)
        replay_reports_what_it_has(number)
        a_writer_that_hangs_is_not_waited_for(number)
    a_second_signal_ends_at_once()
    servers_say_how_it_went_when_signals_come_at_their_end()
    a_third_signal_ends_a_recorder_whose_capture_nobody_reads()


main()
