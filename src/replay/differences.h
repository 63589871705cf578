/*
 * Recording differences: the first ones in full, all of them by the counts.
 */
#ifndef KVREPLAY_REPLAY_DIFFERENCES_H
#define KVREPLAY_REPLAY_DIFFERENCES_H

#include "replay/run.h"

/* What a difference is about. */
struct difference_subject {
    enum difference_check check;
    enum difference_kind kind;
    const struct connection *connection;
    const struct net_origin *origin;
    const struct mcbp_header *header;        /* of the response or, if there is none, the request */
    const struct construct_request *request; /* NULL: none */
};

/* A record of it, to be completed; NULL if as many as are wanted have been kept. */
struct difference *difference_add(struct run *run, const struct difference_subject *subject);

/* What a difference says of a request. */
void difference_describe_request(const struct pending *pending, struct construct_request *request);

/* Adds where the two sides differ, and both sides there. `difference` may be NULL. */
void difference_set_sides(struct difference *difference, const struct comparison *comparison,
                          struct span reference, struct span built);

/* Adds the beginning of a frame that has nothing to be compared with. `difference` may be NULL. */
void difference_show(struct difference *difference, struct span frame);

/* Adds a sentence. `difference` may be NULL. */
void difference_set_detail(struct difference *difference, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
