/*
 * The meta data that a change brings with it.
 */
#ifndef KVREPLAY_COUCHBASE_META_H
#define KVREPLAY_COUCHBASE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct with_meta {
    uint32_t flags;
    uint32_t expiry; /* Unix time; of a deletion, when that was. 0: never, or now */
    uint64_t revision;
    uint64_t cas;
    size_t ignored; /* bytes behind the value */
    bool has_cas;   /* it is brought; of MUTATE_WITH_META, which may leave it out */
    bool patches;   /* attributes get the numbers of the change */
    bool inflates;  /* what came compressed is not kept so */
    bool adds;
    bool deletes;
    bool forces;         /* the bucket resolves conflicts by CAS, as the client knows */
    bool regenerates;    /* the server gives the CAS */
    bool skips_conflict; /* whatever there is, it is replaced */
};

static inline void with_meta_set_options(struct with_meta *meta, uint32_t options)
{
    enum { FORCE = 1, FORCE_ACCEPT = 2, REGENERATE_CAS = 4, SKIP_CONFLICT = 8 };
    meta->forces = (options & FORCE_ACCEPT) != 0;
    meta->regenerates = (options & REGENERATE_CAS) != 0;
    meta->skips_conflict = (options & (FORCE | SKIP_CONFLICT)) != 0;
}

#endif
