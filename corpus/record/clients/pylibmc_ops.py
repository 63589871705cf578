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
    attempt(c.set, "text", "some text")
    attempt(c.set, "object", {"pickled": True})
    attempt(c.set, "squeezed", "compressible " * 500, min_compress_len=100)
    c.get("text")
    c.get("absent")
    attempt(c.add, "text", "again")
    attempt(c.add, "added", "first")
    attempt(c.replace, "added", "second")
    attempt(c.replace, "absent", "x")
    attempt(c.append, "added", "-end")
    attempt(c.prepend, "added", "start-")
    attempt(c.append, "absent", "x")
    value, token = c.gets("added")
    attempt(c.cas, "added", "swapped", token)
    attempt(c.cas, "added", "too late", token)
    attempt(c.set, "count", 10)
    attempt(c.incr, "count", 5)
    attempt(c.decr, "count", 20)
    attempt(c.incr, "absent")
    attempt(c.incr, "text")
    attempt(c.touch, "text", 100)
    attempt(c.touch, "absent", 100)
    c.set_multi({"multi:%d" % i: "value %d" % i for i in range(30)})
    c.get_multi(["multi:%d" % i for i in range(40)])
    c.delete_multi(["multi:1", "multi:2", "multi:none"])
    attempt(c.delete, "text")
    attempt(c.delete, "text")
    c.get_stats()
    c.get_stats("settings")
    c.flush_all()
    c.get("added")
    c.disconnect_all()


def quiet():
    """Behaviours that make libmemcached use the quiet opcodes."""
    c = pylibmc.Client(address, binary=True, behaviors={"no_block": True, "buffer_requests": True, "_noreply": True})
    for i in range(60):
        attempt(c.set, "noreply:%d" % i, "value %d" % i)
    attempt(c.add, "noreply:1", "refused")
    attempt(c.append, "noreply:2", "-end")
    attempt(c.prepend, "noreply:2", "start-")
    attempt(c.replace, "noreply:3", "replaced")
    attempt(c.delete, "noreply:4")
    c.get_multi(["noreply:%d" % i for i in range(70)])
    c.get("noreply:2")
    c.disconnect_all()


plain() if what == "plain" else quiet()
