#include "anonymise/places.h"

#include "anonymise/substitute.h"
#include "base/array.h"

#include <stdlib.h>

bool places_add(struct places *self, const struct place *place)
{
    struct place *grown = array_grow(self->places, sizeof(*grown), self->count, &self->room);
    if (grown == NULL) {
        return false;
    }
    self->places = grown;
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

/* The end of a place in its stream. */
static uint64_t end_of(const struct place *place)
{
    return place->offset + place->size;
}

static bool lies_at(const struct place *place, uint64_t offset)
{
    return place->offset <= offset && offset < end_of(place);
}

/*
 * One byte of a place, of which places before it may have copies: equal ones have the same noise,
 * others another. (One byte in more than 32 versions is more than there is noise for.)
 */
static void tell_byte_apart(struct places *self, size_t i, uint64_t offset)
{
    const struct place *place = &self->places[i];
    uint64_t at = place->file_at + (offset - place->offset);
    bool taken[UINT8_MAX + 1] = {false};
    for (size_t j = i; j-- > 0 && self->places[j].stream == place->stream &&
                       self->places[j].offset + self->longest > offset;) {
        const struct place *copy = &self->places[j];
        if (!lies_at(copy, offset)) {
            continue;
        }
        uint64_t copy_at = copy->file_at + (offset - copy->offset);
        if (self->before.data[copy_at] == self->before.data[at]) {
            self->after[at] = self->after[copy_at];
            return;
        }
        taken[self->after[copy_at]] = true;
    }
    for (int tries = 0; tries < SUBSTITUTE_UNKNOWN_KINDS && taken[self->after[at]]; tries++) {
        self->after[at] = substitute_other_unknown(self->after[at]);
    }
}

/* The bytes of a place up to an offset of the stream. */
static void tell_apart(struct places *self, size_t i, uint64_t end)
{
    for (uint64_t offset = self->places[i].offset; offset < end; offset++) {
        tell_byte_apart(self, i, offset);
    }
}

/* The usual case: all of a place, as the place before it has it. */
static bool is_repeated(const struct places *self, size_t i)
{
    const struct place *place = &self->places[i];
    const struct place *copy = &self->places[i - 1];
    uint64_t copy_at = copy->file_at + (place->offset - copy->offset);
    if (end_of(place) > end_of(copy) ||
        memcmp(self->before.data + place->file_at, self->before.data + copy_at, place->size) != 0) {
        return false;
    }
    memcpy(self->after + place->file_at, self->after + copy_at, place->size);
    return true;
}

void places_finish(struct places *self)
{
    uint64_t reached = 0; /* the end of what lies before the place, in its stream */
    if (self->count > 0) {
        qsort(self->places, self->count, sizeof(*self->places), compare);
    }
    for (size_t i = 0; i < self->count; i++) {
        const struct place *place = &self->places[i];
        if (i == 0 || self->places[i - 1].stream != place->stream) {
            reached = 0;
        }
        uint64_t end = end_of(place) < reached ? end_of(place) : reached;
        if (place->offset < end && !is_repeated(self, i)) {
            tell_apart(self, i, end);
        }
        reached = end_of(place) > reached ? end_of(place) : reached;
    }
}

void places_deinit(struct places *self)
{
    free(self->places);
    *self = (struct places){0};
}

/* The first place that is not before the offset of the stream. */
static size_t places_find(const struct places *self, uint64_t stream, uint64_t offset)
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

/* Writes to [from, to) of a place, offsets of the stream. Returns the bytes that were written. */
static uint32_t write_place(struct places *self, const struct place *place,
                            const struct stream_bytes *bytes, uint64_t from, uint64_t to)
{
    const uint8_t *before = self->before.data + place->file_at + (from - place->offset);
    uint8_t *after = self->after + place->file_at + (from - place->offset);
    const uint8_t *was = bytes->was + (from - bytes->offset);
    const uint8_t *is = bytes->is + (from - bytes->offset);
    uint32_t written = 0;
    if (memcmp(before, was, to - from) == 0) {
        memcpy(after, is, to - from);
        return (uint32_t)(to - from);
    }
    for (size_t i = 0; i < to - from; i++) {
        if (before[i] == was[i]) {
            after[i] = is[i];
            written++;
        } else if (after[i] == is[i]) {
            after[i] = substitute_other_unknown(after[i]);
        }
    }
    return written;
}

bool places_write(struct places *self, const struct stream_bytes *bytes, uint64_t *written)
{
    uint64_t offset = bytes->offset;
    uint64_t end = offset + bytes->size;
    uint64_t reached = offset;
    size_t i =
        places_find(self, bytes->stream, offset > self->longest ? offset - self->longest : 0);
    for (; i < self->count; i++) {
        struct place *place = &self->places[i];
        if (place->stream != bytes->stream || place->offset >= end) {
            break;
        }
        uint64_t from = place->offset > offset ? place->offset : offset;
        uint64_t to = end_of(place) < end ? end_of(place) : end;
        if (from >= to) {
            continue;
        }
        if (from > reached) {
            return false;
        }
        uint32_t count = write_place(self, place, bytes, from, to);
        place->written += count;
        *written += count;
        reached = to > reached ? to : reached;
    }
    return reached == end;
}

bool places_write_frame(struct places *self, const struct dissect_frame *frame, const uint8_t *is,
                        size_t from, size_t size, uint64_t *written)
{
    const uint8_t *was = frame->frame.bytes.data;
    size_t at = 0; /* in the frame, where the range begins */
    size_t end = from + size;
    bool placed = true;
    for (size_t i = 0; i < frame->ranges_count && from < end; i++) {
        const struct dissect_range *range = &frame->ranges[i];
        size_t to = at + range->size < end ? at + range->size : end;
        if (from < to) {
            struct stream_bytes part = {range->stream, range->offset + (from - at), was + from,
                                        is + from, to - from};
            placed &= places_write(self, &part, written);
            from = to;
        }
        at += range->size;
    }
    return placed && from == end;
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
