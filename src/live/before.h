/*
 * What documents held before the capture began, where connections had begun before it: the live
 * server does not hold it. An answer that depends on it is no evidence against the server if it
 * differs. So of each document it is remembered how far the capture has made it, on both servers
 * alike.
 */
#ifndef KVREPLAY_LIVE_BEFORE_H
#define KVREPLAY_LIVE_BEFORE_H

#include "mcbp/frame.h"

#include <stdbool.h>

enum before_made {
    BEFORE_UNMADE, /* nothing of it is known */
    BEFORE_VALUE,  /* value, flags and expiry; its attributes may be from before */
    BEFORE_WHOLE,  /* all but its revision number */
};

/* A request, as far as it matters here. All zero: it depends on nothing. */
struct before_request {
    uint64_t document;      /* 0: it is about none */
    enum before_made made;  /* of it, when the request was sent, */
    enum before_made makes; /* and if the request succeeds; BEFORE_UNMADE: as before */
    enum before_made needs; /* less than that: the answer may differ */
    bool depends;           /* the answer may differ in any case */
};

struct before;

/* NULL: no memory. */
struct before *before_create(void);
void before_destroy(struct before *before); /* NULL is allowed */

/* What stands for the bucket of that name. */
uint64_t before_bucket(const struct before *before, struct span name);

/* On which connection a request is sent. */
struct before_place {
    uint64_t bucket;
    bool collections; /* its keys begin with the number of one */
};

/* `attributes`: the frame has paths of extended attributes. */
void before_ask(struct before *before, const struct before_place *place,
                const struct mcbp_frame *frame, bool attributes, struct before_request *request);

/* Whether an answer may differ because of what was before. */
static inline bool before_explains(const struct before_request *request)
{
    return request->depends || (request->document != 0 && request->made < request->needs);
}

/* Both servers have answered it with that status. */
void before_answered(struct before *before, const struct before_request *request, uint16_t status);

#endif
