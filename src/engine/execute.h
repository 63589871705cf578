/*
 * One request being executed: what the command families (retrieve, mutate, arithmetic, admin) have
 * in common. A command's function is called when the request's lengths are right for it.
 */
#ifndef KVREPLAY_ENGINE_EXECUTE_H
#define KVREPLAY_ENGINE_EXECUTE_H

#include "engine/state.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

struct execution {
    struct engine *engine;
    const struct engine_request *request;
    const struct mcbp_frame *frame;
    struct engine_answer *answer;
    bool quiet; /* the opcode is a quiet one */
    uint64_t hash;
    struct entry *entry; /* the key's, found by execution_find; NULL if it has none */
};

/* ---------------------------------------------------------------- the item */

/*
 * The content of the key's item, or NULL if there is none. An item found to have expired or to have
 * been flushed is removed by this. Called at most once per execution.
 */
const struct content *execution_find(struct execution *execution);

/*
 * Puts `content`, stamped with the time, in the key's place, after execution_find. False: no memory
 * for the entry; the value is given back then, and the answer says so.
 */
bool execution_store(struct execution *execution, struct content *content);

/* Removes the item that execution_find found. */
void execution_remove(struct execution *execution);

/* Makes room for a value of that size. False: no memory, and the answer says so. */
bool execution_value(struct execution *execution, struct content *content, size_t size);

/* Gives a mutation's CAS to the content: the engine's next, or the one passed with the request. */
void execution_assign_cas(struct execution *execution, struct content *content);

/* True if the request names no CAS, or the item's. */
bool execution_cas_matches(struct execution *execution, const struct content *content);

/* True if memcached would keep the item in several pieces. */
bool execution_is_chunked(const struct execution *execution, const struct content *item);

/* True if no item can hold what such a request stores, with or without a CAS or flags. */
bool request_is_too_large(const struct mcbp_frame *frame, size_t item_size_max);

/* The Unix time at which something with this expiration time is gone: memcached's realtime(). */
int64_t execution_expiry(const struct execution *execution, uint32_t exptime);

/* ---------------------------------------------------------------- the answer */

/* Adds a response to the answer that answers the request with success and nothing else yet. */
struct kvr_response *answer_add(struct execution *execution);

/* Success without a body, if the command isn't quiet. */
void answer_done(struct execution *execution);

/* The same, with the CAS of the content just stored. */
void answer_stored(struct execution *execution, const struct content *content);

/* An error with memcached's text for it, whether quiet or not. */
void answer_error(struct execution *execution, enum mcbp_status status);

/* ---------------------------------------------------------------- the commands */

/* retrieve.c */
void command_get(struct execution *execution);
void command_getk(struct execution *execution);
void command_touch(struct execution *execution);
void command_gat(struct execution *execution);
void command_gatk(struct execution *execution);

/* mutate.c */
void command_set(struct execution *execution);
void command_add(struct execution *execution);
void command_replace(struct execution *execution);
void command_append(struct execution *execution);
void command_prepend(struct execution *execution);
void command_delete(struct execution *execution);

/* arithmetic.c */
void command_increment(struct execution *execution);
void command_decrement(struct execution *execution);

/* admin.c */
void command_flush(struct execution *execution);
void command_noop(struct execution *execution);
void command_version(struct execution *execution);
void command_quit(struct execution *execution);
void command_stat(struct execution *execution);
void command_sasl(struct execution *execution);
void command_unknown(struct execution *execution);

#endif
