/*
 * One request being executed: what the commands have in common. A command's function is called
 * when the request has its form, the client may send it, and collection and vbucket are there.
 */
#ifndef KVREPLAY_COUCHBASE_COMMAND_H
#define KVREPLAY_COUCHBASE_COMMAND_H

#include "couchbase/node.h"
#include "couchbase/session.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

struct command {
    struct couchbase_node *node;
    struct couchbase_session *session;
    const struct mcbp_frame *frame;
    struct couchbase_answer *answer;
    int64_t now;
    struct couchbase_told told;
    struct span value;     /* the request's, inflated */
    struct blob *inflated; /* NULL: it was not compressed */
    bool quiet;
    bool durable;         /* the change takes two sequence numbers, of prepare and commit */
    bool preserve_expiry; /* of a document that is there */
    struct vbucket *vbucket;
    struct document_id id; /* of commands about a document */
};

/* Finds the request's vbucket. False: it is not here, and the answer says so. */
bool command_has_vbucket(struct command *command);

/* ---------------------------------------------------------------- the document */

/* The document, or NULL if there is none, or it is deleted. One found to have expired is deleted by
 * this. */
struct document *command_find(struct command *command);

/* The same; NULL: the answer says so. */
struct document *command_find_or_miss(struct command *command);

/* The same without deleting what has expired: commands that replace it don't. */
struct document *command_peek(const struct command *command);

/* SUCCESS if the request's CAS allows to change the document (NULL: there is none), LOCKED,
 * KEY_EXISTS or KEY_NOT_FOUND. Source: engines/ep/src/vbucket.cc, checkCasForWrite. */
enum mcbp_status command_check_cas(const struct command *command, const struct document *document);

/* The CAS and the sequence number that a change gets now. */
uint64_t command_next_cas(const struct command *command);
uint64_t command_next_seqno(const struct command *command);

/* The document has changed: CAS, sequence number and revision are new, and it is not locked. */
void command_changed(struct command *command, struct document *document);

/* What a document is to become; its xattrs stay, if it is alive. */
struct content {
    struct blob *value; /* NULL: of 0 bytes */
    uint8_t datatype;
    uint32_t flags;
    uint32_t expiry;
};

/* Stores it, and takes the value over. NULL: no memory, and the answer says so. */
struct document *command_put(struct command *command, const struct content *content);

/* Becomes a tombstone, which keeps system attributes; its expiry is the time of that. False: no
 * memory. */
bool command_bury(struct command *command, struct document *document);

/* What has been put is a tombstone: without flags, and the time is its expiry. */
void document_mark_deleted(struct command *command, struct document *document);

/* The Unix time at which the document is gone with this expiration time, 0: never. */
uint32_t command_expiry(const struct command *command, uint32_t given);

/* That Unix time, or the latest that the document's collection allows now. Source:
 * Collections::VB::Manifest::processExpiryTime in engines/ep/src/collections/vbucket_manifest.cc,
 * and mc_time_limit_expiry_time. */
uint32_t command_limit_expiry(const struct command *command, uint32_t expiry);

/* ---------------------------------------------------------------- the commands */

/* get.c */
void handle_get(struct command *command);
void handle_getk(struct command *command);
void handle_get_ex(struct command *command);
void handle_get_locked(struct command *command);
void handle_unlock(struct command *command);
void handle_touch(struct command *command);
void handle_get_and_touch(struct command *command);
void handle_get_meta(struct command *command);
void handle_get_replica(struct command *command);
void handle_get_random_key(struct command *command);

/* change.c */
void handle_set(struct command *command);
void handle_add(struct command *command);
void handle_replace(struct command *command);
void handle_remove(struct command *command);
void handle_append(struct command *command);
void handle_prepend(struct command *command);
void handle_count(struct command *command);

/* with_meta.c, return_meta.c */
void handle_with_meta(struct command *command);
void handle_mutate_with_meta(struct command *command);
void handle_return_meta(struct command *command);

/* subdoc.c */
void handle_subdoc(struct command *command);

/* scan_commands.c */
void handle_scan_create(struct command *command);
void handle_scan_continue(struct command *command);
void handle_scan_cancel(struct command *command);

/* connect.c */
void handle_hello(struct command *command);
void handle_sasl_list(struct command *command);
void handle_sasl(struct command *command);
void handle_select_bucket(struct command *command);
void handle_noop(struct command *command);
void handle_version(struct command *command);
void handle_quit(struct command *command);
void handle_error_map(struct command *command);

/* bucket.c */
void handle_all_seqnos(struct command *command);
void handle_get_keys(struct command *command);
void handle_evict(struct command *command);

/* stats.c */
void handle_stat(struct command *command);

/* configuration.c */
void handle_cluster_config(struct command *command);
void handle_set_cluster_config(struct command *command);

/* cluster.c */
void handle_manifest(struct command *command);
void handle_set_manifest(struct command *command);
void handle_collection_id(struct command *command);
void handle_scope_id(struct command *command);
void handle_observe(struct command *command);
void handle_observe_seqno(struct command *command);

#endif
