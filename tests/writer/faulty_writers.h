/*
 * Writers that are wrong on purpose, one fault each: a comparison that finds nothing has to be
 * shown finding something. Each fault has been made in real response code, or is one slip away from
 * it.
 */
#ifndef KVREPLAY_TESTS_WRITER_FAULTY_WRITERS_H
#define KVREPLAY_TESTS_WRITER_FAULTY_WRITERS_H

#include "kvresponse/plugin.h"

#include <stdbool.h>

/* What has to be so for the fault to show. */
enum faulty_when {
    FAULTY_ALWAYS,  /* every response for which shows_in is true */
    FAULTY_SPLIT,   /* ... whose frame lies across two chunks: 24 bytes of room in the last one */
    FAULTY_BATCH,   /* ... in one call with others */
    FAULTY_THREADS, /* only when several threads write, or other ones drain */
};

struct faulty_writer {
    struct kvr_writer_type writer;
    const char *fault; /* a sentence fragment: what it does wrong */
    /*
     * What a comparison must report as the first difference, by the reference frame's layout:
     * "header.cas", "key", "extras", "frame_info[3]". "value" stands for value+N, any N; "size" for
     * bytes that are missing or left over behind a frame that is right as far as it goes; "any" for
     * whichever comes first; "refusal" for a response taken that has to be refused.
     */
    const char *field;
    enum faulty_when when;
    bool (*shows_in)(const struct kvr_response *response);
};

/* Ends with a NULL writer.name. */
extern const struct faulty_writer faulty_writers[];

#endif
