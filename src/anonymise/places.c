#include "anonymise/places.h"

#include <stdlib.h>

enum { ROOM_MIN = 1024 };

bool places_add(struct places *self, const struct place *place)
{
    if (self->count == self->room) {
        size_t room = self->room == 0 ? ROOM_MIN : self->room + self->room / 2;
        struct place *grown = reallocarray(self->places, room, sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        self->places = grown;
        self->room = room;
    }
    self->places[self->count++] = *place;
    self->longest = place->size > self->longest ? place->size : self->longest;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;
    if (left->stream != right->stream) {
        return left->stream < right->stream ? -1 : 1;
    }
    if (left->offset != right->offset) {
        return left->offset < right->offset ? -1 : 1;
    }
    return left->file_at < right->file_at ? -1 : left->file_at > right->file_at;
}

void places_sort(struct places *self)
{
    if (self->count > 0) {
        qsort(self->places, self->count, sizeof(*self->places), compare);
    }
}

void places_deinit(struct places *self)
{
    free(self->places);
    *self = (struct places){0};
}

/* The first place that is not before the offset of the stream. */
static size_t find(const struct places *self, uint64_t stream, uint64_t offset)
{
    size_t low = 0;
    size_t high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct place *place = &self->places[middle];
        if (place->stream < stream || (place->stream == stream && place->offset < offset)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool places_write(struct places *self, uint8_t *out, uint64_t stream, uint64_t offset,
                  struct span bytes, uint64_t *written)
{
    uint64_t end = offset + bytes.size;
    uint64_t reached = offset;
    size_t i = find(self, stream, offset > self->longest ? offset - self->longest : 0);
    for (; i < self->count; i++) {
        struct place *place = &self->places[i];
        if (place->stream != stream || place->offset >= end) {
            break;
        }
        uint64_t from = place->offset > offset ? place->offset : offset;
        uint64_t to = place->offset + place->size < end ? place->offset + place->size : end;
        if (from >= to) {
            continue;
        }
        if (from > reached) {
            return false;
        }
        memcpy(out + place->file_at + (from - place->offset), bytes.data + (from - offset),
               to - from);
        place->written += (uint32_t)(to - from);
        *written += to - from;
        reached = to > reached ? to : reached;
    }
    return reached == end;
}

bool places_check(const struct places *self, uint64_t *missed)
{
    *missed = 0;
    for (size_t i = 0; i < self->count; i++) {
        const struct place *place = &self->places[i];
        if (place->written > place->size) {
            return false;
        }
        *missed += place->size - place->written;
    }
    return true;
}
