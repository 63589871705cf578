"""Operations of python-binary-memcached, and what they come to. Usage: HOST PORT"""

import random
import sys

import bmemcached

host, port = sys.argv[1], int(sys.argv[2])
client = bmemcached.Client((f"{host}:{port}",), compression=None)


def show(what, result):
    print(what, repr(result), flush=True)


show("get of nothing", client.get("missing"))
show("set", client.set("key", "value", time=1000))
show("get", client.get("key"))
show("gets", client.gets("key")[0])  # servers number changes as they like
show("add of what is there", client.add("key", "other"))
show("add", client.add("new", b"\x00\xff bytes"))
show("get", client.get("new"))
show("replace", client.replace("key", "second"))
show("replace of nothing", client.replace("missing", "x"))
value, cas = client.gets("key")
show("cas", client.cas("key", "third", cas))
show("stale cas", client.cas("key", "fourth", cas))
show("get", client.get("key"))
show("number", client.set("number", 41))
show("get", client.get("number"))
show("incr from nothing", client.incr("counter", 5))
show("incr", client.incr("counter", 5))
show("decr", client.decr("counter", 3))
show("set_multi", client.set_multi({f"key {i}": "v" * i for i in range(100)}))
show("get_multi", sorted(client.get_multi([f"key {i}" for i in range(120)]).items()))
show("delete_multi", client.delete_multi([f"key {i}" for i in range(50)]))
show("get_multi", sorted(client.get_multi([f"key {i}" for i in range(40, 60)]).items()))
show("large", client.set("large", random.Random(1).randbytes(1000000)))
show("get", len(client.get("large")))
try:
    client.set("large", random.Random(1).randbytes(1100000))
except bmemcached.exceptions.MemcachedException as error:
    show("too large", error)
show("get", client.get("large"))
show("object", client.set("object", {"a": [1, 2, (3,)]}))
show("get", client.get("object"))
show("delete", client.delete("key"))
show("delete of nothing", client.delete("key"))
show("flush", client.flush_all())
show("get", client.get("new"))
client.disconnect_all()
