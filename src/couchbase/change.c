/* Commands that change a document's value. */
#include "base/endian.h"
#include "couchbase/reply.h"
#include "couchbase/value.h"

#include <inttypes.h>
#include <stdio.h>

static void change_quietly(struct command *command, const struct document *document, bool always)
{
    if (always || !command->quiet) {
        reply_changed(command, document);
    }
}

/* ---------------------------------------------------------------- the request's value */

/* SUCCESS, and *inflated (NULL: the value is not compressed, or empty). */
static enum mcbp_status inflate(const struct command *command, struct blob **inflated)
{
    bool too_large;
    bool no_memory;
    struct span value = command->frame->value;
    *inflated = NULL;
    if ((command->frame->header.datatype & MCBP_DATATYPE_SNAPPY) == 0) {
        return value.size > COUCHBASE_VALUE_MAX ? MCBP_STATUS_TOO_LARGE : MCBP_STATUS_SUCCESS;
    }
    *inflated = value_inflate(value, COUCHBASE_VALUE_MAX, &too_large, &no_memory);
    return *inflated != NULL ? MCBP_STATUS_SUCCESS
           : too_large       ? MCBP_STATUS_TOO_LARGE
           : no_memory       ? MCBP_STATUS_NO_MEMORY
                             : MCBP_STATUS_INVALID_ARGUMENTS;
}

static void refuse_value(struct command *command, enum mcbp_status status)
{
    reply_error(command, status,
                status == MCBP_STATUS_INVALID_ARGUMENTS ? "The value can't be inflated" : NULL);
}

/* The value as it is to be kept: compressed where that is worth it. False: the answer says why. */
static bool take_value(struct command *command, struct content *content)
{
    struct blob *inflated;
    struct span sent = command->frame->value;
    enum mcbp_status status = inflate(command, &inflated);
    if (status != MCBP_STATUS_SUCCESS) {
        refuse_value(command, status);
        return false;
    }
    struct span value = inflated == NULL ? sent : blob_span(inflated);
    content->datatype = value_is_json(value) ? MCBP_DATATYPE_JSON : 0;
    content->value = inflated;
    if (inflated == NULL || value_is_worth_compressing(inflated->size, sent.size)) {
        content->datatype |= inflated == NULL ? 0 : MCBP_DATATYPE_SNAPPY;
        blob_drop(inflated);
        content->value = sent.size == 0 ? NULL : blob_copy(sent);
        if (content->value == NULL && sent.size > 0) {
            reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
            return false;
        }
    }
    return true;
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
    if (take_value(command, &content)) {
        const struct document *document = command_put(command, &content);
        if (document != NULL) {
            change_quietly(command, document, false);
        }
    }
}

void handle_set(struct command *command)
{
    const struct document *document = command_find(command);
    enum mcbp_status status = command_check_cas(command, document);
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, NULL);
    } else {
        store(command, document);
    }
}

void handle_add(struct command *command)
{
    if (command_find(command) != NULL) {
        reply_error(command, MCBP_STATUS_KEY_EXISTS, NULL);
    } else {
        store(command, NULL);
    }
}

void handle_replace(struct command *command)
{
    if (command_find(command) == NULL) {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
    } else {
        handle_set(command);
    }
}

void handle_remove(struct command *command)
{
    struct document *document = command_find(command);
    enum mcbp_status status =
        document == NULL ? MCBP_STATUS_KEY_NOT_FOUND : command_check_cas(command, document);
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, NULL);
        return;
    }
    command_bury(command, document);
    change_quietly(command, document, false);
}

/* ---------------------------------------------------------------- APPEND, PREPEND */

/* NULL: the answer says why. */
static struct blob *join(struct command *command, const struct document *document, bool behind)
{
    struct blob *given;
    struct blob *there = NULL;
    struct blob *joined = NULL;
    enum mcbp_status status = inflate(command, &given);
    if (status == MCBP_STATUS_SUCCESS && !document_hold_inflated(document, &there)) {
        status = MCBP_STATUS_NO_MEMORY;
    }
    struct span addition = given == NULL ? command->frame->value : blob_span(given);
    if (status == MCBP_STATUS_SUCCESS &&
        addition.size > COUCHBASE_VALUE_MAX - blob_span(there).size) {
        status = MCBP_STATUS_TOO_LARGE;
    }
    if (status == MCBP_STATUS_SUCCESS) {
        joined =
            behind ? blob_join(blob_span(there), addition) : blob_join(addition, blob_span(there));
        status = joined == NULL ? MCBP_STATUS_NO_MEMORY : status;
    }
    blob_drop(given);
    blob_drop(there);
    if (joined == NULL) {
        refuse_value(command, status);
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
    struct content content = {.flags = document->flags, .expiry = document->expiry};
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

static bool read_number(struct span text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, digit, number)) {
            return false;
        }
    }
    return text.size > 0;
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
    if (document_is_locked(document, command->now)) {
        reply_error(command, MCBP_STATUS_LOCKED, NULL);
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
    struct content content = {.flags = document->flags, .expiry = document->expiry};
    put_number(command, &content, up ? number + delta : number < delta ? 0 : number - delta);
}
