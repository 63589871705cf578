/*
 * Where two frames differ, by the name of the field: "header.cas", "frame-info[0]", "extras",
 * "key+3", "value+117". Lengths count as differing before the content they are the lengths of.
 */
#ifndef KVREPLAY_CHECK_COMPARE_H
#define KVREPLAY_CHECK_COMPARE_H

#include "base/span.h"
#include "check/mask.h"
#include "result/result.h"

enum compared {
    COMPARED_EQUAL,
    COMPARED_EQUAL_MASKED, /* but for what masks cover; *mask is one that was needed */
    COMPARED_DIFFERENT,    /* field and offset are set */
};

struct comparison {
    char field[DIFFERENCE_FIELD_SIZE];
    size_t offset; /* of the first differing byte, from the beginning of the reference */
    size_t mask;
};

/* Compares whole frames; `built` may be anything. The masks of the reference's opcode apply. */
enum compared compare_frames(struct span reference, struct span built,
                             const struct mask_list *masks, struct comparison *comparison);

/* The offset of the first differing byte; the shorter size if there is none before it. */
size_t compare_first_difference(struct span a, struct span b);

/* The name of the field that lies at `offset` of a frame. Returns `field`. */
const char *compare_field_at(struct span frame, size_t offset, char field[DIFFERENCE_FIELD_SIZE]);

#endif
