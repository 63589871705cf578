#include "anonymise/keys.h"

#include "anonymise/substitute.h"
#include "base/array.h"
#include "base/endian.h"

#include <stdlib.h>

enum { BYTES = 256 };

void keys_deinit(struct keys *self)
{
    names_deinit(&self->seen);
    free(self->places);
    free(self->bytes);
}

static bool keys_append(struct keys *self, struct span key)
{
    struct keys_place *places = array_grow(self->places, sizeof(*places), self->count, &self->room);
    if (places == NULL) {
        return false;
    }
    self->places = places;
    while (self->bytes_room - self->bytes_size < key.size) {
        uint8_t *bytes = array_grow(self->bytes, 1, self->bytes_room, &self->bytes_room);
        if (bytes == NULL) {
            return false;
        }
        self->bytes = bytes;
    }
    memcpy(self->bytes + self->bytes_size, key.data, key.size);
    self->places[self->count++] = (struct keys_place){self->bytes_size, key.size};
    self->bytes_size += key.size;
    return true;
}

void keys_add(struct keys *self, struct span key)
{
    uint64_t unused;
    if (!self->ordered || key.size == 0) {
        return;
    }
    struct name name = name_of(self->secret, SECRET_KEY_NAME, key);
    if (names_find(&self->seen, &name, &unused)) {
        return;
    }
    if (key.size > KEYS_BYTES_MAX - self->bytes_size) {
        self->forgotten++;
    } else {
        self->no_memory |= !names_add(&self->seen, &name, 0) || !keys_append(self, key);
    }
}

static struct span key_of(const struct keys *self, size_t number)
{
    return span_of(self->bytes + self->places[number].at, self->places[number].size);
}

static int keys_compare(struct span a, struct span b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_places(const void *a, const void *b, void *context)
{
    const struct keys *self = context;
    const struct keys_place *one = a;
    const struct keys_place *other = b;
    return keys_compare(span_of(self->bytes + one->at, one->size),
                        span_of(self->bytes + other->at, other->size));
}

void keys_settle(struct keys *self)
{
    if (self->count > 0) {
        qsort_r(self->places, self->count, sizeof(*self->places), compare_places, self);
    }
}

static bool keys_has(const struct keys *self, struct span key)
{
    size_t from = 0;
    size_t to = self->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = keys_compare(key_of(self, middle), key);
        if (order == 0) {
            return true;
        }
        *(order < 0 ? &from : &to) = order < 0 ? middle + 1 : middle;
    }
    return false;
}

/* Where in [from, to), all of which have a byte `at`, those begin that have a larger one there. */
static size_t end_of(const struct keys *self, size_t from, size_t to, size_t at, uint8_t byte)
{
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (key_of(self, middle).data[at] > byte) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return from;
}

/* The last of the bytes that may take the place of one another, of which `byte` is one. */
static uint8_t kind_end(uint8_t byte)
{
    return byte <= ' ' ? ' ' : byte <= '~' ? '~' : 0xff;
}

/*
 * What the bytes become, sorted ones of one kind: as many of the kind, any with the same chance
 * (Knuth, The Art of Computer Programming, volume 2, 3.4.2, algorithm S).
 */
static void draw(struct secret *secret, uint8_t first, uint8_t last, uint8_t *bytes, size_t count)
{
    size_t drawn = 0;
    for (unsigned byte = first; byte <= last && drawn < count; byte++) {
        uint8_t random[8];
        secret_take(secret, random, sizeof(random));
        if (read_be64(random) % (last - byte + 1U) < count - drawn) {
            bytes[drawn++] = (uint8_t)byte;
        }
    }
}

/* Of all bytes that follow the same beginning, sorted. */
static void draw_all(struct secret *secret, uint8_t *bytes, size_t count)
{
    unsigned first = 0;
    for (size_t i = 0; i < count;) {
        uint8_t last = kind_end(bytes[i]);
        while (kind_end((uint8_t)first) != last) {
            first++;
        }
        size_t same = i;
        while (same < count && kind_end(bytes[same]) == last) {
            same++;
        }
        draw(secret, (uint8_t)first, last, bytes + i, same - i);
        i = same;
    }
}

static void replace_ordered(const struct keys *self, uint8_t *bytes, size_t size)
{
    uint8_t seed[SECRET_DIGEST_SIZE]; /* follows from the bytes before */
    size_t from = 0;
    size_t to = self->count;
    secret_digest(self->secret, SECRET_KEY_ORDER, NULL, 0, seed);
    for (size_t at = 0; at < size; at++) {
        uint8_t following[BYTES];
        size_t count = 0;
        size_t place = 0;
        size_t next_from = from;
        size_t next_to = to;
        from += key_of(self, from).size == at; /* it ends here, and comes first */
        for (size_t i = from; i < to;) {
            uint8_t byte = key_of(self, i).data[at];
            size_t end = end_of(self, i, to, at, byte);
            if (byte == bytes[at]) {
                place = count;
                next_from = i;
                next_to = end;
            }
            following[count++] = byte;
            i = end;
        }
        secret_begin(self->secret, seed);
        draw_all(self->secret, following, count);
        const struct span parts[] = {span_of(seed, sizeof(seed)), span_of(bytes + at, 1)};
        secret_digest(self->secret, SECRET_KEY_ORDER, parts, 2, seed);
        bytes[at] = following[place];
        from = next_from;
        to = next_to;
    }
}

void keys_replace(const struct keys *self, uint8_t *bytes, size_t size)
{
    if (self->count > 0 && keys_has(self, span_of(bytes, size))) {
        replace_ordered(self, bytes, size);
    } else {
        substitute_key(self->secret, bytes, size);
    }
}
