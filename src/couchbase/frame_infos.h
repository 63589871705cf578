/*
 * What a request's framing extras ask for.
 */
#ifndef KVREPLAY_COUCHBASE_FRAME_INFOS_H
#define KVREPLAY_COUCHBASE_FRAME_INFOS_H

#include "base/span.h"
#include "mcbp/status.h"

struct frame_infos {
    bool durable;
    bool preserve_expiry;
    bool barrier;
};

/*
 * SUCCESS, or the status of what is wrong, and *fault its context, which may stay NULL. Source:
 * daemon/mcbp_validators.cc, parseFrameExtras; utilities/durability_spec.cc.
 */
enum mcbp_status frame_infos_read(struct span framing_extras, struct frame_infos *infos,
                                  const char **fault);

#endif
