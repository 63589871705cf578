/*
 * The token of a change: extras of its answer where the feature MUTATION_SEQNO was granted.
 */
#ifndef KVREPLAY_MCBP_TOKEN_H
#define KVREPLAY_MCBP_TOKEN_H

#include "base/endian.h"
#include "base/span.h"
#include "mcbp/opcode.h"

enum { MCBP_TOKEN_SIZE = 16 };

struct mcbp_token {
    uint64_t vbucket_uuid; /* another one after each failover */
    uint64_t seqno;        /* of the change among those of its vbucket */
};

/* Whether an answer's extras are one: by their length, and what RETURN_META has there is none. */
static inline bool mcbp_token_is(uint8_t opcode, struct span extras)
{
    return extras.size == MCBP_TOKEN_SIZE && opcode != MCBP_RETURN_META;
}

/* False: they are none. */
static inline bool mcbp_token_read(uint8_t opcode, struct span extras, struct mcbp_token *token)
{
    if (!mcbp_token_is(opcode, extras)) {
        return false;
    }
    token->vbucket_uuid = read_be64(extras.data);
    token->seqno = read_be64(extras.data + 8);
    return true;
}

static inline void mcbp_token_write(const struct mcbp_token *token, uint8_t out[MCBP_TOKEN_SIZE])
{
    write_be64(out, token->vbucket_uuid);
    write_be64(out + 8, token->seqno);
}

#endif
