#include "live/seqnos.h"

#include <stdlib.h>

enum { VBUCKETS = UINT16_MAX + 1 };

void seqnos_deinit(struct seqnos *seqnos)
{
    free(seqnos->last);
    seqnos->last = NULL;
}

bool seqnos_note(struct seqnos *seqnos, uint16_t vbucket, const struct mcbp_token *token,
                 uint64_t before)
{
    if (seqnos->last == NULL && (seqnos->last = calloc(VBUCKETS, sizeof(*token))) == NULL) {
        return false;
    }
    struct mcbp_token *last = &seqnos->last[vbucket];
    if (token->vbucket_uuid != last->vbucket_uuid || token->seqno <= before ||
        token->seqno > last->seqno) {
        *last = *token;
    }
    return true;
}

uint64_t seqnos_last(const struct seqnos *seqnos, uint16_t vbucket)
{
    return seqnos->last == NULL ? 0 : seqnos->last[vbucket].seqno;
}
