"""Which allocations fail, of those that a program makes."""
import os
import random


def turns(few, count, idle=0):
    """All numbers up to `count` with KVREPLAY_EACH=all; otherwise KVREPLAY_EACH or a few random ones,
    by KVREPLAY_SEED, half of them above `idle`, up to which the program has only got ready."""
    each = os.environ.get("KVREPLAY_EACH", str(few))
    seed = int(os.environ.get("KVREPLAY_SEED", random.randrange(1 << 32)))
    print("KVREPLAY_SEED=%d" % seed, flush=True)
    if each == "all":
        return list(range(1, count + 1))
    chosen = random.Random(seed)
    below = min(idle, int(each) // 2)
    above = min(count - idle, int(each) - below)
    return chosen.sample(range(1, idle + 1), below) + \
        chosen.sample(range(idle + 1, count + 1), above)
