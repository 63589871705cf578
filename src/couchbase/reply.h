/*
 * The answers of commands.
 */
#ifndef KVREPLAY_COUCHBASE_REPLY_H
#define KVREPLAY_COUCHBASE_REPLY_H

#include "couchbase/command.h"

/* Adds a response: success, without a body. The caller fills in what it has. */
struct kvr_response *reply_add(struct command *command);

/* Success without a body, unless the request is quiet. */
void reply_done(struct command *command);

/* Copies extras into the response, at most REPLY_EXTRAS_MAX bytes. */
enum { REPLY_EXTRAS_MAX = 24 };
void reply_set_extras(struct command *command, struct kvr_response *response, struct span extras);

/* The response's value is a blob, held until the next request is executed by what is given here. */
void reply_give(struct command *command, struct kvr_response *response, struct blob *blob);

/* The same of a JSON text. */
void reply_give_json(struct command *command, struct kvr_response *response, struct blob *json);

/* A configuration, which is not taken over, as the client takes it: perhaps compressed. *datatype
 * is that. */
struct blob *reply_hold_config(const struct couchbase_session *session, struct blob *json,
                               uint8_t *datatype);

/* The response's value is that. */
void reply_give_config(struct command *command, struct kvr_response *response, struct blob *json);

/* The same of any text. False: no memory, and the answer says so. */
bool reply_set_text(struct command *command, struct kvr_response *response, struct span text);

/* Adds success of a change: its CAS, and its token if the client wants one. Quiet requests are
 * answered too. */
struct kvr_response *reply_changed(struct command *command, const struct document *document);

/*
 * An error, as the client understands it: without extended errors, some get another status, and
 * others end the connection. `context` NULL: no text; NOT_MY_VBUCKET has the cluster's map, then.
 */
void reply_error(struct command *command, enum mcbp_status status, const char *context);

/* NO_ACCESS, whose text names the privilege that the client lacks. */
void reply_no_privilege(struct command *command, const char *privilege);

/* LOCKED, of commands that have TEMPORARY_FAILURE for clients without extended errors. (Others have
 * KEY_EXISTS: reply_error().) */
void reply_locked(struct command *command);

/* The text of such an error says which manifest does not have the collection. */
void reply_unknown_collection(struct command *command, enum mcbp_status status);

/* Of a miss, quiet requests say nothing. */
void reply_miss(struct command *command);

#endif
