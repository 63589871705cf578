/*
 * What of an answer a server chooses by itself, put into the reference in place of what the other
 * server chose: then every byte has to be the same.
 *
 * What a server holds to is bound (bindings.h): CAS values, vbuckets' UUIDs, sequence numbers,
 * range scans, numbers of collections. Sequence numbers have to rise, too. Of the rest only the
 * form is compared: how long an answer took, maps of the cluster and of errors, the numbers of
 * errors, points in time.
 */
#ifndef KVREPLAY_LIVE_OWN_H
#define KVREPLAY_LIVE_OWN_H

#include "live/translation.h"

/* `counts`: what was bound, and what is not compared, is added to the capture's result. */
void own_translate(struct live_run *run, struct bindings *bindings, const struct own_pair *pair,
                   bool counts, struct own_result *result);

/* A server has answered: its sequence number counts for requests from now on. */
void own_note_seqno(struct live_run *run, enum track track, const struct exchange *exchange,
                    const struct mcbp_frame *frame);

#endif
