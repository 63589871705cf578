/*
 * What a run of verify or replay found, for a person (text), a program (JSON) and CI (JUnit).
 *
 * Reports write to a stream and leave it open. Whether the stream took everything is for the caller
 * to find out (ferror, fclose).
 */
#ifndef KVREPLAY_REPORT_REPORT_H
#define KVREPLAY_REPORT_REPORT_H

#include "live/live.h"
#include "replay/verify.h"

#include <stdio.h>

/* A run: what was asked for, and what came out. */
struct report {
    const struct verify_options *options;
    const struct verify_result *result;
    const struct live_options *live;    /* of replay; NULL: it was verify */
    const struct live_outcome *outcome; /* the same */
};

struct report_style {
    bool color;
    bool quiet;   /* only what is wrong, and the verdict */
    bool verbose; /* also the table of opcodes */
    size_t width; /* columns; what does not fit is wrapped or shortened */
};

void report_text(FILE *out, const struct report *report, const struct report_style *style);

/* Schema "kvreplay-verify-1" or "kvreplay-replay-1", described in kvreplay(1). False: no memory. */
bool report_json(FILE *out, const struct report *report);

/* A test suite per capture; a test case for each check and for evidence. False: no memory. */
bool report_junit(FILE *out, const struct report *report);

#endif
