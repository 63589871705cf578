/*
 * The structure-aware mutator: knows an input as a preamble and units (frames, packets, records),
 * keeps most of them valid and breaks one size relation on purpose. One core for AFL++ (afl.c) and
 * libFuzzer (libfuzzer.c).
 */
#ifndef KVREPLAY_FUZZ_MUTATOR_H
#define KVREPLAY_FUZZ_MUTATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

uint32_t random_below(struct random *random, uint32_t limit); /* limit 0: 0 */

/* A number that a size field may be set to: edges of chunks, of field widths, and small ones. */
uint32_t random_edge(struct random *random);

/* A number in a unit; in network order unless the form says otherwise. */
struct field {
    uint16_t at;
    uint8_t width;  /* bytes: 1, 2, 4 or 8 */
    uint8_t weight; /* how often it is chosen among the form's fields */
};

struct form {
    const char *target;
    size_t preamble;
    size_t unit; /* bytes of each unit; 0: `measure` knows */
    /* Bytes of the unit that `data` begins with, at most `size`. */
    size_t (*measure)(const uint8_t *data, size_t size);
    const struct field *fields; /* of a unit; ends with width 0 */
    /* Where in a unit the fields begin: they may lie behind headers. Returns the fields. */
    const struct field *(*locate)(struct random *random, const uint8_t *unit, size_t size,
                                  size_t *base, bool *little);
    /* Writes a new valid unit to `out`. Returns its size, 0: no room. */
    size_t (*fresh)(struct random *random, uint8_t *out, size_t room);
    /* Changes the length of a part in the unit, and all lengths around it, by `more` (or less);
     * *at is set to where the bytes go. False: it can't. */
    bool (*stretch)(struct random *random, uint8_t *unit, size_t size, int32_t more, size_t *at);
    /* Puts right what depends on the rest: checksums, second copies of lengths. May be NULL. */
    void (*repair)(uint8_t *data, size_t size);
    /* If the input has nothing that a file of this kind can begin with, it becomes one of only a
     * valid beginning. Returns the size, at most `room`. May be NULL. */
    size_t (*begin)(struct random *random, uint8_t *data, size_t size, size_t room);
    /* The form of an input that begins as this one does. NULL: this form. */
    const struct form *(*variant)(const uint8_t *data, size_t size);
};

/* The form of a target's inputs; NULL: there is no such target. */
const struct form *form_find(const char *target);

/* Changes `data` in place; returns its new size, at most `max`. */
size_t mutate(const struct form *form, uint8_t *data, size_t size, size_t max, uint32_t seed);

/* The first units of `a` and the last ones of `b`. Returns the size. */
size_t mutate_splice(const struct form *form, const uint8_t *a, size_t a_size, const uint8_t *b,
                     size_t b_size, uint8_t *out, size_t max, uint32_t seed);

#endif
