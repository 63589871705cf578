/* Commands that change a document's value. */
#include "base/endian.h"
#include "couchbase/reply.h"
#include "couchbase/value.h"
#include "couchbase/xattr.h"

#include <inttypes.h>
#include <stdio.h>

static void change_quietly(struct command *command, const struct document *document, bool always)
{
    if (always || !command->quiet) {
        reply_changed(command, document);
    }
}

/* ---------------------------------------------------------------- the request's value */

/* The value as it is to be kept: compressed where that is worth it, and no attributes stand before
 * it. False: the answer says why. */
static bool take_value(struct command *command, bool has_xattrs, struct content *content)
{
    struct span sent = command->frame->value;
    struct span value = command->value;
    if (value.size > COUCHBASE_VALUE_MAX) {
        reply_error(command, MCBP_STATUS_TOO_LARGE, NULL);
        return false;
    }
    bool keeps_compressed = command->inflated != NULL && !has_xattrs &&
                            value_is_worth_compressing(value.size, sent.size);
    content->datatype = (value_is_json(value) ? MCBP_DATATYPE_JSON : 0) |
                        (keeps_compressed ? MCBP_DATATYPE_SNAPPY : 0);
    if (value.size == 0) {
        return true;
    }
    content->value = command->inflated != NULL && !keeps_compressed ? blob_hold(command->inflated)
                                                                    : blob_copy(sent);
    if (content->value == NULL) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
    }
    return content->value != NULL;
}

/* ---------------------------------------------------------------- SET, ADD, REPLACE */

static void store(struct command *command, const struct document *before)
{
    struct content content = {
        .flags = read_be32(command->frame->extras.data),
        .expiry = command_expiry(command, read_be32(command->frame->extras.data + 4))};
    if (command->preserve_expiry && before != NULL) {
        content.expiry = before->expiry;
    }
    if (take_value(command, before != NULL && before->xattrs != NULL, &content)) {
        const struct document *document = command_put(command, &content);
        if (document != NULL) {
            change_quietly(command, document, false);
        }
    }
}

/* One that has expired is deleted only where attributes would have to be kept. */
static const struct document *find_to_replace(struct command *command)
{
    const struct document *document = documents_find(&command->vbucket->documents, &command->id);
    return document != NULL && document->xattrs != NULL ? command_find(command)
                                                        : command_peek(command);
}

static void set(struct command *command, const struct document *document)
{
    enum mcbp_status status = command_check_cas(command, document);
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, NULL);
    } else {
        store(command, document);
    }
}

void handle_set(struct command *command)
{
    set(command, find_to_replace(command));
}

void handle_add(struct command *command)
{
    if (command_peek(command) != NULL) {
        reply_error(command, MCBP_STATUS_KEY_EXISTS, NULL);
    } else {
        store(command, NULL);
    }
}

void handle_replace(struct command *command)
{
    const struct document *document = find_to_replace(command);
    if (document == NULL) {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
    } else {
        set(command, document);
    }
}

/* What leaves system attributes is no durable change. Source: RemoveCommandContext::storeItem. */
static void bury(struct command *command, struct document *document)
{
    struct blob *xattrs;
    bool pruned = xattr_keep_system(document->xattrs, &xattrs);
    command->durable &= pruned && xattrs == NULL;
    blob_drop(pruned ? xattrs : NULL);
    if (pruned && command_bury(command, document)) {
        change_quietly(command, document, false);
    } else {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
    }
}

void handle_remove(struct command *command)
{
    struct document *document = command_find(command);
    enum mcbp_status status =
        document == NULL ? MCBP_STATUS_KEY_NOT_FOUND : command_check_cas(command, document);
    if (status == MCBP_STATUS_LOCKED && command->frame->header.cas != 0) {
        reply_locked(command);
    } else if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, NULL);
    } else {
        bury(command, document);
    }
}

/* ---------------------------------------------------------------- APPEND, PREPEND */

/* NULL: the answer says why. */
static struct blob *join(struct command *command, const struct document *document, bool behind)
{
    struct blob *there = NULL;
    struct blob *joined = NULL;
    struct span given = command->value;
    enum mcbp_status status =
        document_hold_inflated(document, &there) ? MCBP_STATUS_SUCCESS : MCBP_STATUS_NO_MEMORY;
    if (status == MCBP_STATUS_SUCCESS && given.size > COUCHBASE_VALUE_MAX - blob_span(there).size) {
        status = MCBP_STATUS_TOO_LARGE;
    }
    if (status == MCBP_STATUS_SUCCESS) {
        joined = behind ? blob_join(blob_span(there), given) : blob_join(given, blob_span(there));
        status = joined == NULL ? MCBP_STATUS_NO_MEMORY : status;
    }
    blob_drop(there);
    if (joined == NULL) {
        reply_error(command, status, NULL);
    }
    return joined;
}

static void concatenate(struct command *command, bool behind)
{
    const struct document *document = command_find(command);
    enum mcbp_status status =
        document == NULL ? MCBP_STATUS_NOT_STORED : command_check_cas(command, document);
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, NULL);
        return;
    }
    struct content content = {.flags = document->flags,
                              .expiry = command_limit_expiry(command, document->expiry)};
    content.value = join(command, document, behind);
    if (content.value == NULL) {
        return;
    }
    content.datatype = value_is_json(blob_span(content.value)) ? MCBP_DATATYPE_JSON : 0;
    document = command_put(command, &content);
    if (document != NULL) { /* with tokens, the quiet ones answer too */
        change_quietly(command, document,
                       session_has(command->session, MCBP_FEATURE_MUTATION_SEQNO));
    }
}

void handle_append(struct command *command)
{
    concatenate(command, true);
}

void handle_prepend(struct command *command)
{
    concatenate(command, false);
}

/* ---------------------------------------------------------------- counters */

static bool is_blank_at(struct span text, size_t at)
{
    static const char blanks[] = " \t\n\v\f\r";
    return at < text.size && text.data[at] != 0 && strchr(blanks, text.data[at]) != NULL;
}

/* Blanks and a plus may stand before it, and behind it anything that begins with a blank. Source:
 * utilities/util.cc, parseInt. */
static bool read_number(struct span text, uint64_t *number)
{
    size_t begin = 0;
    *number = 0;
    while (is_blank_at(text, begin)) {
        begin++;
    }
    begin += begin < text.size && text.data[begin] == '+' ? 1 : 0;
    size_t end = begin;
    while (end < text.size && text.data[end] >= '0' && text.data[end] <= '9') {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, text.data[end] - (unsigned)'0', number)) {
            return false;
        }
        end++;
    }
    return end > begin && (end == text.size || is_blank_at(text, end));
}

static void put_number(struct command *command, struct content *content, uint64_t number)
{
    char text[24];
    uint8_t told[8];
    int size = snprintf(text, sizeof(text), "%" PRIu64, number);
    content->value = blob_copy(span_of(text, (size_t)size));
    content->datatype = MCBP_DATATYPE_JSON;
    if (content->value == NULL) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    const struct document *document = command_put(command, content);
    if (document == NULL || command->quiet) {
        return;
    }
    write_be64(told, number);
    reply_set_text(command, reply_changed(command, document), span_of(told, sizeof(told)));
}

static void create_number(struct command *command)
{
    enum { CREATE_NOTHING = -1 };
    const uint8_t *extras = command->frame->extras.data;
    uint32_t expiry = read_be32(extras + 16);
    if (expiry == (uint32_t)CREATE_NOTHING) {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
        return;
    }
    struct content content = {.expiry = command_expiry(command, expiry)};
    put_number(command, &content, read_be64(extras + 8));
}

/* Up wraps at 2^64, down stops at 0. */
void handle_count(struct command *command)
{
    uint64_t number;
    struct blob *value;
    const struct document *document = command_find(command);
    uint64_t delta = read_be64(command->frame->extras.data);
    bool up = mcbp_opcode_loud(command->frame->header.opcode) == MCBP_INCREMENT;
    if (document == NULL) {
        create_number(command);
        return;
    }
    if (!document_hold_inflated(document, &value)) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    bool counts = read_number(blob_span(value), &number);
    blob_drop(value);
    if (!counts) {
        reply_error(command, MCBP_STATUS_DELTA_BAD_VALUE, NULL);
        return;
    }
    if (document_is_locked(document, command->now)) {
        reply_error(command, MCBP_STATUS_LOCKED, NULL);
        return;
    }
    struct content content = {.flags = document->flags,
                              .expiry = command_limit_expiry(command, document->expiry)};
    put_number(command, &content, up ? number + delta : number < delta ? 0 : number - delta);
}
