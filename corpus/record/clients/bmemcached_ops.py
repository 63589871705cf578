#!/usr/bin/python3
"""What python-binary-memcached sends. usage: bmemcached_ops.py HOST PORT"""
import sys

import bmemcached


def attempt(call, *arguments):
    """A refusal is part of what is recorded."""
    try:
        return call(*arguments)
    except bmemcached.exceptions.MemcachedException:
        return None


c = bmemcached.Client(["%s:%s" % (sys.argv[1], sys.argv[2])])
c.set("text", "grüße")
c.set("bytes", b"\0\1\2\xff")
c.set("number", 42)
c.set("object", {"a": [1, 2, 3]})
c.set("long", "compressible " * 500)
c.set("plain", "x" * 2000, compress_level=0)
c.set("empty", "")
for key in ("text", "bytes", "number", "object", "long", "plain", "empty", "absent"):
    c.get(key)
c.add("added", "first")
c.add("added", "second")
c.replace("added", "third")
c.replace("absent", "none")
value, cas = c.gets("added")
c.cas("added", "fourth", cas)
c.cas("added", "fifth", cas)
c.cas("absent", "none", 99)
c.incr("counter", 5)
c.incr("counter", 7)
c.decr("counter", 100)
c.incr("default", 1, default=10)
attempt(c.incr, "text", 1)
c.delete("added")
c.delete("added")
c.delete("number", cas=1)
c.set_multi({"multi:%d" % i: "value %d" % i for i in range(50)})
c.get_multi(["multi:%d" % i for i in range(60)])
c.get_multi(["multi:%d" % i for i in range(3)], get_cas=True)
c.delete_multi(["multi:1", "multi:2", "multi:none"])
c.set("short", "lived", time=100)
c.stats()
c.stats("settings")
c.flush_all()
c.get("text")
c.disconnect_all()
