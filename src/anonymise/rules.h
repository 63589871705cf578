/*
 * What of a frame is replaced, and what is kept since it says nothing of what is stored: a list of
 * exceptions. Whatever isn't on it is replaced.
 */
#ifndef KVREPLAY_ANONYMISE_RULES_H
#define KVREPLAY_ANONYMISE_RULES_H

#include "anonymise/knowledge.h"

enum part_class {
    PART_HEADER,  /* kept */
    PART_EXTRAS,  /* kept, framing extras too */
    PART_TEXT,    /* kept: memcached's own error texts, versions, statistics */
    PART_COUNTER, /* kept: numbers that were counted with */
    PART_KEY,     /* replaced */
    PART_VALUE,   /* replaced */
    PART_OTHER,   /* replaced: extras that are too long, user names in framing extras */
    PART_CLASSES,
};

enum { FRAME_PARTS = 5 };

struct frame_part {
    enum part_class class;
    size_t size;
};

struct rules {
    struct secret *secret;
    struct knowledge *knowledge;
    bool replace_counters;
};

/* Of one conversation. */
struct rules_conversation {
    struct asked *asked;
    struct language language; /* the caller's to follow: language_note() */
    bool stat_asked;          /* a STAT that only has memcached's own names in its answers */
    bool stat_private;        /* any other */
    bool stat_sizes;          /* one that has sizes for names in its answers */
};

/*
 * Replaces in `bytes`, a copy of the frame. Returns what its parts became, in their order; their
 * sizes add up to the frame's.
 */
void rules_apply(const struct rules *rules, struct rules_conversation *conversation,
                 const struct dissect_frame *frame, uint8_t *bytes,
                 struct frame_part parts[FRAME_PARTS]);

#endif
