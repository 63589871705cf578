#!/usr/bin/python3
"""What libmemcached sends through pylibmc. usage: pylibmc_ops.py HOST PORT plain|quiet"""
import sys

import pylibmc

host, port, what = sys.argv[1:4]
address = ["%s:%s" % (host, port)] if ":" not in host else ["[%s]:%s" % (host, port)]


def attempt(call, *arguments, **named):
    """A refusal is part of what is recorded."""
    try:
        return call(*arguments, **named)
    except pylibmc.Error:
        return None


def plain():
    c = pylibmc.Client(address, binary=True, behaviors={"cas": True, "tcp_nodelay": True})
    c.set("text", "some text")
    c.set("object", {"pickled": True})
    c.set("squeezed", "compressible " * 500, min_compress_len=100)
    c.get("text")
    c.get("absent")
    c.add("text", "again")
    c.add("added", "first")
    c.replace("added", "second")
    c.replace("absent", "x")
    c.append("added", "-end")
    c.prepend("added", "start-")
    attempt(c.append, "absent", "x")
    value, token = c.gets("added")
    attempt(c.cas, "added", "swapped", token)
    attempt(c.cas, "added", "too late", token)
    c.set("count", 10)
    c.incr("count", 5)
    c.decr("count", 20)
    attempt(c.incr, "absent")
    attempt(c.incr, "text")
    attempt(c.touch, "text", 100)
    attempt(c.touch, "absent", 100)
    c.set_multi({"multi:%d" % i: "value %d" % i for i in range(30)})
    c.get_multi(["multi:%d" % i for i in range(40)])
    c.delete_multi(["multi:1", "multi:2", "multi:none"])
    c.delete("text")
    c.delete("text")
    c.get_stats()
    c.get_stats("settings")
    c.flush_all()
    c.get("added")
    c.disconnect_all()


def quiet():
    """Behaviours that make libmemcached use the quiet opcodes."""
    c = pylibmc.Client(address, binary=True, behaviors={"no_block": True, "buffer_requests": True, "noreply": True})
    for i in range(60):
        c.set("noreply:%d" % i, "value %d" % i)
    c.add("noreply:1", "refused")
    c.append("noreply:2", "-end")
    c.prepend("noreply:2", "start-")
    c.replace("noreply:3", "replaced")
    c.delete("noreply:4")
    c.get_multi(["noreply:%d" % i for i in range(70)])
    c.get("noreply:2")
    c.disconnect_all()


plain() if what == "plain" else quiet()
