/*
 * What has to be known of a whole capture before its first value is replaced, so that what a server
 * does with values gives the same result with their replacements:
 *
 *   counters  keys that INCREMENT or DECREMENT named
 *   joins     values that APPEND and PREPEND have put together: the replacement of such a value is
 *             those of its parts
 *
 * Also which retrieval a response without a key answers.
 */
#ifndef KVREPLAY_ANONYMISE_KNOWLEDGE_H
#define KVREPLAY_ANONYMISE_KNOWLEDGE_H

#include "anonymise/names.h"
#include "replay/dissect.h"

enum {
    CONTENTS_KEPT = 4,                     /* of a key that is appended to: what it may hold */
    CONTENTS_BYTES_MAX = 64 * 1024 * 1024, /* of all of them */
};

struct content {
    uint8_t *bytes;
    size_t size;
};

struct contents { /* of one key, the likeliest first */
    struct content kept[CONTENTS_KEPT];
    size_t count;
    struct content latest; /* what was appended or prepended last */
    bool appended;
};

struct knowledge { /* all zero but for the secret to begin with */
    struct secret *secret;
    struct names counters;
    struct names joined; /* keys that APPEND or PREPEND named; their number indexes `contents` */
    struct names joins;  /* values; their number is the size of the first part */
    struct contents *contents;
    size_t contents_bytes;
    uint64_t forgotten; /* values that could not be kept for want of room */
    bool no_memory;
};

void knowledge_deinit(struct knowledge *knowledge);

/* Which keys need attention. First pass. */
void knowledge_note_key(struct knowledge *knowledge, const struct dissect_frame *frame);

/* Whether a second pass has to look at values. */
bool knowledge_wants_values(const struct knowledge *knowledge);

/* What a frame is about, that of a response being the request's. */
struct about {
    bool counter; /* the key of a counter */
    bool joined;  /* a key that was appended to; the next is its number */
    uint64_t number;
};

/* Requests of one conversation that wait for their answer. */
struct asked;
void asked_destroy(struct asked *asked);

/* Follows requests and responses; *asked is the conversation's, NULL at first. */
struct about knowledge_about(struct knowledge *knowledge, struct asked **asked,
                             const struct dissect_frame *frame);

/* What was stored, joined, or read. Second pass. */
void knowledge_note_value(struct knowledge *knowledge, const struct about *about,
                          const struct dissect_frame *frame);

#endif
