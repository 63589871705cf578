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
};

enum { FRAME_INFOS_FAULT_SIZE = 72 };

/*
 * SUCCESS, or the status of what is wrong, and `fault` gets its context, which may stay as it is.
 * `allowed` are those that the command may have. Source: daemon/mcbp_validators.cc,
 * parseFrameExtras; utilities/durability_spec.cc.
 */
enum mcbp_status frame_infos_read(struct span framing_extras, const struct frame_infos *allowed,
                                  struct frame_infos *infos, char fault[FRAME_INFOS_FAULT_SIZE]);

#endif
