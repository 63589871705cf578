"""Operations of pylibmc, which is libmemcached, and what they come to. Usage: HOST PORT"""

import sys

import pylibmc

host, port = sys.argv[1], sys.argv[2]
client = pylibmc.Client([f"{host}:{port}"], binary=True, behaviors={"cas": True})


def show(what, operation):
    try:
        result = operation()
    except pylibmc.Error as error:
        result = type(error).__name__
    print(what, repr(result), flush=True)


show("get of nothing", lambda: client.get("missing"))
show("set", lambda: client.set("key", "value", time=1000))
show("get", lambda: client.get("key"))
show("gets", lambda: client.gets("key")[0])  # servers number changes as they like
show("add of what is there", lambda: client.add("key", "other"))
show("add", lambda: client.add("new", b"\x00\xff bytes"))
show("replace", lambda: client.replace("key", "second"))
show("replace of nothing", lambda: client.replace("missing", "x"))
show("append", lambda: client.append("key", " and more"))
show("prepend", lambda: client.prepend("key", "first and "))
show("append to nothing", lambda: client.append("missing", "x"))
show("get", lambda: client.get("key"))
cas = client.gets("key")[1]
show("cas", lambda: client.cas("key", "third", cas))
show("stale cas", lambda: client.cas("key", "fourth", cas))
show("touch", lambda: client.touch("key", 500))
show("touch of nothing", lambda: client.touch("missing", 500))
show("number", lambda: client.set("number", "41"))
show("incr", lambda: client.incr("number", 1))
show("decr", lambda: client.decr("number", 100))
show("incr of text", lambda: client.incr("key", 1))
show("incr of nothing", lambda: client.incr("missing", 1))
show("set_multi", lambda: client.set_multi({f"key{i}": "v" * i for i in range(100)}))
show("get_multi", lambda: sorted(client.get_multi([f"key{i}" for i in range(120)]).items()))
show("delete_multi", lambda: client.delete_multi([f"key{i}" for i in range(50)]))
show("get_multi", lambda: sorted(client.get_multi([f"key{i}" for i in range(40, 60)]).items()))
show("large", lambda: client.set("large", "x" * 1000000))
show("get", lambda: len(client.get("large")))
show("too large", lambda: client.set("large", "x" * 1100000))
show("get", lambda: client.get("large"))
show("delete", lambda: client.delete("key"))
show("delete of nothing", lambda: client.delete("key"))
show("flush", client.flush_all)
show("get", lambda: client.get("new"))
show("statistics", lambda: sorted(set(client.get_stats()[0][1]) & {"curr_items", "version"}))
