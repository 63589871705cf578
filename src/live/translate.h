/*
 * Recorded requests as another server has to get them: with its CAS values, vbuckets' UUIDs, scans
 * and collections in place of the recorded server's, and at its time.
 */
#ifndef KVREPLAY_LIVE_TRANSLATE_H
#define KVREPLAY_LIVE_TRANSLATE_H

#include "live/run.h"

/* Adds the request to what is to be sent to the server of that track, with the recorded opaque.
 * NULL: no memory; else where it lies, until more is added. */
uint8_t *translate_request(struct session *session, enum track track,
                           const struct dissect_frame *request);

/* A bit for each path of a request that is one of an extended attribute. */
uint16_t translate_xattr_paths(const struct mcbp_frame *request);

#endif
