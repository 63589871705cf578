#include "writer/hostile.h"

#include "writer/output.h"

#include <event2/buffer.h>
#include <string.h>

enum {
    FILLER = 0x5C,
    SMALL_CHUNKS = 20, /* more than the memory sink looks at in one step */
    TAIL_MAX = 1200,   /* for random tails: more than the smallest chunk holds (976 bytes) */
};

const char *hostile_state_text(enum hostile_state state)
{
    static const char *const texts[HOSTILE_STATES] = {
        [HOSTILE_EMPTY] = "empty",
        [HOSTILE_TAIL] = "room in the last chunk",
        [HOSTILE_REFERENCE_LAST] = "reference chunk last",
        [HOSTILE_PARTLY_DRAINED] = "partly drained",
        [HOSTILE_MANY_SMALL] = "many small chunks",
        [HOSTILE_PREPENDED] = "prepended",
        [HOSTILE_ABANDONED] = "abandoned reservations",
    };
    return (size_t)state < HOSTILE_STATES ? texts[state] : "unknown";
}

/* One chunk, filled up to `tail` bytes before its end. */
static bool make_tail(struct evbuffer *buffer, size_t tail)
{
    struct evbuffer_iovec extent;
    if (evbuffer_reserve_space(buffer, (ev_ssize_t)tail + 1, &extent, 1) != 1) {
        return false;
    }
    extent.iov_len -= tail;
    memset(extent.iov_base, FILLER, extent.iov_len);
    return evbuffer_commit_space(buffer, &extent, 1) == 0;
}

static bool make_reference(struct evbuffer *buffer)
{
    static const uint8_t elsewhere[] = {FILLER, FILLER, FILLER, FILLER, FILLER};
    return make_tail(buffer, 100) &&
           evbuffer_add_reference(buffer, elsewhere, sizeof(elsewhere), NULL, NULL) == 0;
}

static bool make_partly_drained(struct evbuffer *buffer, size_t tail)
{
    if (!make_tail(buffer, tail)) {
        return false;
    }
    bool frozen = output_thaw_start(buffer);
    bool drained = evbuffer_drain(buffer, evbuffer_get_length(buffer) / 2) == 0;
    output_freeze_start_if(buffer, frozen);
    return drained;
}

/* Chunks of a few bytes can only be had one buffer at a time. */
static bool make_many_small(struct evbuffer *buffer, size_t tail)
{
    struct evbuffer *one = evbuffer_new();
    bool made = one != NULL;
    for (int i = 0; made && i < SMALL_CHUNKS; i++) {
        uint8_t bytes[3] = {FILLER, FILLER, FILLER};
        made =
            evbuffer_add(one, bytes, sizeof(bytes)) == 0 && evbuffer_add_buffer(buffer, one) == 0;
    }
    made = made && make_tail(one, tail) && evbuffer_add_buffer(buffer, one) == 0;
    if (one != NULL) {
        evbuffer_free(one);
    }
    return made;
}

static bool make_prepended(struct evbuffer *buffer)
{
    uint8_t bytes[50];
    memset(bytes, FILLER, sizeof(bytes));
    if (evbuffer_prepend(buffer, bytes, sizeof(bytes)) == 0) {
        return true;
    }
    /* Frozen, as a bufferevent's output is; an empty buffer can't be asked beforehand. */
    evbuffer_unfreeze(buffer, 1);
    bool made = evbuffer_prepend(buffer, bytes, sizeof(bytes)) == 0;
    evbuffer_freeze(buffer, 1);
    return made;
}

static bool make_abandoned(struct evbuffer *buffer, size_t tail)
{
    struct evbuffer_iovec extents[2];
    return make_tail(buffer, tail) &&
           evbuffer_reserve_space(buffer, (ev_ssize_t)tail + 100, extents, 2) > 0 &&
           evbuffer_reserve_space(buffer, (ev_ssize_t)tail + 2000, extents, 2) > 0;
}

bool hostile_make(struct evbuffer *buffer, enum hostile_state state, size_t tail)
{
    switch (state) {
    case HOSTILE_EMPTY:
        return true;
    case HOSTILE_TAIL:
        return make_tail(buffer, tail);
    case HOSTILE_REFERENCE_LAST:
        return make_reference(buffer);
    case HOSTILE_PARTLY_DRAINED:
        return make_partly_drained(buffer, tail);
    case HOSTILE_MANY_SMALL:
        return make_many_small(buffer, tail);
    case HOSTILE_PREPENDED:
        return make_prepended(buffer);
    case HOSTILE_ABANDONED:
        return make_abandoned(buffer, tail);
    case HOSTILE_STATES:
        break;
    }
    return false;
}

/* splitmix64, by Sebastiano Vigna (public domain). */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

bool hostile_make_random(struct evbuffer *buffer, uint64_t *seed)
{
    static const size_t edges[] = {0, 1, 23, 24, 25, 27, 28, 29};
    enum hostile_state state = (enum hostile_state)(next_random(seed) % HOSTILE_STATES);
    uint64_t draw = next_random(seed);
    size_t tail =
        draw % 2 == 0 ? edges[draw / 2 % (sizeof(edges) / sizeof(edges[0]))] : draw / 2 % TAIL_MAX;
    return hostile_make(buffer, state, tail);
}
