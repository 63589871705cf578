/*
 * Differences that would be none if requests had run that the capture does not have. That bytes are
 * missing is noticed after they were sent: the differences since then are withdrawn.
 */
#ifndef KVREPLAY_REPLAY_PROVISIONAL_H
#define KVREPLAY_REPLAY_PROVISIONAL_H

#include "result/result.h"

struct model;

enum { PROVISIONAL_MAX = 4096 }; /* of more, the oldest stay differences for good */

struct provisional_difference {
    const struct model *model;
    uint64_t packet;           /* in which it showed */
    uint64_t cas;              /* of the version that it shows; 0: none */
    struct difference *record; /* NULL: not kept */
    bool missing;              /* an answer is; else, one differs */
    bool unseen;               /* changes that the capture does not have would explain it */
    bool early;                /* a server that numbers early may answer so, see race.h */
    bool memory;               /* a server without memory answers so */
};

struct provisional {                            /* zero but for the counts to begin with */
    struct executed_counts *counts;             /* of the capture, in which they are counted */
    struct provisional_difference *differences; /* a ring of PROVISIONAL_MAX; NULL: none yet */
    size_t count;                               /* of those so far */
};

/* False: no memory. */
bool provisional_add(struct provisional *all, const struct provisional_difference *difference);

/* The server is out of memory: the differences that this explains are none. */
void provisional_withdraw_memory(struct provisional *all, const struct model *model);

/* The capture has lost bytes sent behind that packet, and any change to the server may lie in them:
 * what this explains is no difference, but for what shows a version up to `cas`, which is older. */
void provisional_withdraw_unseen(struct provisional *all, const struct model *model,
                                 uint64_t packet, uint64_t cas);

/* The server numbers changes early: whether what this might explain is a difference is undecided.
 */
void provisional_withdraw_early(struct provisional *all, const struct model *model);

/* The server began anew behind that packet: what showed since then is no difference. */
void provisional_withdraw_restart(struct provisional *all, const struct model *model,
                                  uint64_t packet);

/* The server is forgotten. */
void provisional_forget(struct provisional *all, const struct model *model);

/* Takes the withdrawn ones out of the records, when all is over; frees all. */
void provisional_deinit(struct provisional *all, struct verify_result *result);

#endif
