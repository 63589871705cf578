#include "net/history.h"

#include <stdlib.h>

enum {
    RING_SIZE = 512 * 1024,
    REMEMBERED_MAX = 1500, /* of one delivery: a segment on most links */
    LOOKED_AT_MAX = 4096,
};

/* Before each piece of a stream. Places count from the ring's beginning, wraps included. */
struct piece {
    uint64_t previous; /* place of the stream's piece before it; 0: none */
    uint64_t offset;   /* in the stream */
    uint64_t size;
};

bool history_init(struct history *history)
{
    history->bytes = malloc(RING_SIZE);
    history->end = RING_SIZE; /* place 0 is in the past */
    return history->bytes != NULL;
}

void history_deinit(struct history *history)
{
    free(history->bytes);
}

static bool is_kept(const struct history *history, uint64_t place)
{
    return history->end - place <= RING_SIZE;
}

static uint8_t *history_at(const struct history *history, uint64_t place)
{
    return history->bytes + place % RING_SIZE;
}

void history_add(struct history *history, uint64_t *last, uint64_t offset, struct span bytes)
{
    struct piece piece = {
        .previous = *last,
        .offset = offset,
        .size = bytes.size < REMEMBERED_MAX ? bytes.size : REMEMBERED_MAX,
    };
    uint64_t room = sizeof(piece) + (piece.size + 7) / 8 * 8;
    uint64_t behind = RING_SIZE - history->end % RING_SIZE;
    uint64_t place = room <= behind ? history->end : history->end + behind;
    memcpy(history_at(history, place), &piece, sizeof(piece));
    memcpy(history_at(history, place) + sizeof(piece), bytes.data, piece.size);
    history->end = place + room;
    *last = place;
}

/* Bytes of [offset, offset + size) in the piece at `place`, if they are others there. */
static uint64_t differing_in(const struct history *history, uint64_t place,
                             const struct piece *piece, uint64_t offset, struct span bytes)
{
    uint64_t from = piece->offset > offset ? piece->offset : offset;
    uint64_t piece_end = piece->offset + piece->size;
    uint64_t end = offset + bytes.size < piece_end ? offset + bytes.size : piece_end;
    if (from >= end) {
        return 0;
    }
    const uint8_t *first = history_at(history, place) + sizeof(*piece) + (from - piece->offset);
    return memcmp(first, bytes.data + (from - offset), end - from) == 0 ? 0 : end - from;
}

uint64_t history_differing(const struct history *history, uint64_t last, uint64_t offset,
                           struct span bytes)
{
    uint64_t differing = 0;
    uint64_t place = last;
    for (unsigned i = 0; i < LOOKED_AT_MAX && place != 0 && is_kept(history, place); i++) {
        struct piece piece;
        memcpy(&piece, history_at(history, place), sizeof(piece));
        differing += differing_in(history, place, &piece, offset, bytes);
        if (piece.offset <= offset) {
            break;
        }
        place = piece.previous;
    }
    return differing;
}
