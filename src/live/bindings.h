/*
 * What of one server's choice stands for what of another's. A server chooses these values as it
 * likes, but then holds to them, so the reference's have a counterpart each.
 */
#ifndef KVREPLAY_LIVE_BINDINGS_H
#define KVREPLAY_LIVE_BINDINGS_H

#include "live/value_map.h"
#include "result/result.h"

struct bindings { /* all zero to begin with */
    struct value_map of[BOUND_VALUES];
};

void bindings_deinit(struct bindings *bindings);

/* A value of the reference's. */
struct bound {
    enum bound_value kind;
    uint16_t vbucket; /* that chose it: each has a clock and a count of its own; 0 for scans and
                         collections */
    uint64_t value;   /* not 0 if it is a CAS: that is none */
};

enum bound_known {
    BOUND_NEW,     /* neither value was seen before; now they belong together */
    BOUND_KNOWN,   /* they belong together */
    BOUND_ANOTHER, /* *expected is what has belonged to it so far */
    BOUND_TWICE,   /* `to` was given for another; *expected is a value that differs from it */
};

/* Notes that `to` was given where the reference has `from` (value_map.h). *expected is `to`, but
 * for what the result says. */
enum bound_known bindings_note(struct bindings *bindings, const struct bound *from, uint64_t to,
                               uint64_t *expected);

/* What stands for it. False: not known. */
bool bindings_find(struct bindings *bindings, const struct bound *from, uint64_t *to);

/* Whether it, a value of the other server's, stands for anything. */
bool bindings_is_given(struct bindings *bindings, const struct bound *to);

#endif
