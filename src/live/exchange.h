/*
 * Requests with the answers to them, kept until they have been compared.
 */
#ifndef KVREPLAY_LIVE_EXCHANGE_H
#define KVREPLAY_LIVE_EXCHANGE_H

#include "live/run.h"

static inline struct exchange *exchange_at(const struct session *session, uint64_t number)
{
    return session->exchanges.ring[number & (session->exchanges.room - 1)];
}

static inline bool exchange_is_answered(const struct exchange *exchange)
{
    return exchange->answers[LIVE].done && exchange->answers[OTHER].done;
}

/* A new exchange at the end, for a request with that key. One that is not sent gets no answers.
 * NULL: no memory. */
struct exchange *exchange_push(struct session *session, const struct mcbp_header *header,
                               struct span key, bool sent);

/* Takes those out of the front that are settled. */
void exchange_drop_settled(struct session *session);

/* Takes all out. */
void exchange_drop_all(struct session *session);

/* A copy of the frame. NULL: no memory. */
struct answer *answer_keep(struct live_run *run, const struct mcbp_frame *frame,
                           const struct net_origin *origin);
void answer_append(struct answers *answers, struct answer *answer);
void answer_give_back(struct blocks *blocks, struct answer *answer);
void answer_give_back_all(struct blocks *blocks, struct answer *first);

#endif
