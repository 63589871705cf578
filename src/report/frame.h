/*
 * What inspect prints: conversations and frames, a line each, as text for people and grep or as
 * JSON. The form is described in kvreplay(1) and stable.
 */
#ifndef KVREPLAY_REPORT_FRAME_H
#define KVREPLAY_REPORT_FRAME_H

#include "dissect/dissect.h"
#include "mcbp/feature.h"

#include <stdio.h>

enum frame_event {
    EVENT_CONNECTION, /* its first line */
    EVENT_FRAME,
    EVENT_LOST,      /* bytes are missing, or could not be framed */
    EVENT_MALFORMED, /* bytes that are no frame */
    EVENT_END,       /* that side has sent all that it will */
    EVENT_CLOSED,
};

/* Which of these are set depends on the event. */
struct frame_line {
    enum frame_event event;
    const char *file;
    const struct dissect_conversation *conversation;
    const struct dissect_frame *frame; /* EVENT_FRAME */
    enum dissect_role role;            /* EVENT_LOST, EVENT_END */
    struct span bytes;                 /* EVENT_MALFORMED, as is origin */
    const struct net_origin *origin;
    bool hex; /* all bytes of the frame too */
    /* EVENT_FRAME: what HELLO has granted, if the connection speaks Couchbase's dialect; what the
     * frame's bytes mean in it is told then, too. NULL: memcached's. */
    const mcbp_feature_set *couchbase;
};

/* A printer: how lines are written; frame_print calls `line`. False: no memory. */
struct frame_printer {
    bool (*line)(FILE *out, const struct frame_line *line);
    /* Before a capture's first line, and after its last with what was counted. */
    bool (*begin)(FILE *out, const char *file);
    bool (*end)(FILE *out, const struct capture_result *capture);
};

extern const struct frame_printer frame_text_printer;
extern const struct frame_printer frame_json_printer;

/* Prints a line, credentials hidden. False: no memory. */
bool frame_print(const struct frame_printer *printer, FILE *out, const struct frame_line *line);

enum { FRAME_PREVIEW = 32 /* bytes of a value */ };

const char *frame_role_name(enum dissect_role role);

#endif
