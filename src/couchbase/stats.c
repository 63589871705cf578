/*
 * Statistics: a row for each of them, and one without name and value behind the last. Sources:
 * daemon/protocol/mcbp/stats_context.cc, engines/ep/src (vbucket.cc, collections/manager.cc).
 */
#include "couchbase/reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { ROWS = 8, ROW_SIZE = 384 }; /* in one answer, of so many bytes at most */

/* A name, and a value behind it. */
struct row {
    char text[ROW_SIZE];
    size_t name;
    size_t value;
};

struct group {
    const char *name;
    bool (*row)(const struct command *command, size_t index, struct row *row); /* false: no more */
};

static void set_name(struct row *row, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void set_name(struct row *row, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    row->name = (size_t)vsnprintf(row->text, ROW_SIZE / 4, format, arguments);
    va_end(arguments);
}

static bool set_value(struct row *row, const char *text)
{
    row->value = (size_t)snprintf(row->text + row->name, ROW_SIZE - row->name, "%s", text);
    return true;
}

static bool set_number(struct row *row, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    return set_value(row, text);
}

/* ---------------------------------------------------------------- the groups */

struct items {
    uint32_t collection;
    bool all;
    uint64_t count;
};

static bool count_item(void *context, const struct document_id *id, const struct document *document)
{
    struct items *items = context;
    items->count += !document->deleted && (items->all || id->collection == items->collection);
    return true;
}

static uint64_t count_items(const struct couchbase_node *node, struct items items)
{
    for (unsigned i = 0; i < node->vbuckets_count; i++) {
        documents_each(&node->vbuckets[i].documents, count_item, &items);
    }
    return items.count;
}

static bool general_row(const struct command *command, size_t index, struct row *row)
{
    static const char *const names[] = {"time",          "version",  "curr_items",
                                        "vb_active_num", "mem_used", "ep_max_size"};
    const struct couchbase_node *node = command->node;
    if (index >= sizeof(names) / sizeof(names[0])) {
        return false;
    }
    set_name(row, "%s", names[index]);
    switch (index) {
    case 0:
        return set_number(row, (uint64_t)(command->now / 1000000000));
    case 1:
        return set_value(row, "kvreplay " KVREPLAY_VERSION);
    case 2:
        return set_number(row, count_items(node, (struct items){.all = true}));
    case 3:
        return set_number(row, node->vbuckets_count);
    case 4:
        return set_number(row, node->memory);
    default:
        return set_number(row, node->memory_max);
    }
}

static bool collection_row(const struct command *command, size_t index, struct row *row)
{
    static const char *const names[] = {"name", "scope_name", "items"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    const struct collections *collections = &command->node->collections;
    if (index / NAMES >= collections->collections_count) {
        return false;
    }
    const struct collection *collection = &collections->collections[index / NAMES];
    const struct scope *scope = &collections->scopes[collection->scope];
    set_name(row, "0x%" PRIx32 ":0x%" PRIx32 ":%s", scope->id, collection->id,
             names[index % NAMES]);
    switch (index % NAMES) {
    case 0:
        return set_value(row, collection->name);
    case 1:
        return set_value(row, scope->name);
    default:
        return set_number(row,
                          count_items(command->node, (struct items){.collection = collection->id}));
    }
}

/* All are active. */
static bool vbucket_row(const struct command *command, size_t index, struct row *row)
{
    if (index >= command->node->vbuckets_count) {
        return false;
    }
    set_name(row, "vb_%zu", index);
    return set_value(row, "active");
}

/* Everything is taken to be persisted at once, and nothing is ever purged. */
static bool seqno_row(const struct command *command, size_t index, struct row *row)
{
    static const char *const names[] = {"high_seqno",
                                        "abs_high_seqno",
                                        "last_persisted_seqno",
                                        "last_persisted_snap_start",
                                        "last_persisted_snap_end",
                                        "max_visible_seqno",
                                        "uuid",
                                        "purge_seqno"};
    enum { NAMES = sizeof(names) / sizeof(names[0]), UUID = NAMES - 2, PURGED };
    size_t number = index / NAMES;
    if (number >= command->node->vbuckets_count) {
        return false;
    }
    const struct vbucket *vbucket = &command->node->vbuckets[number];
    set_name(row, "vb_%zu:%s", number, names[index % NAMES]);
    return set_number(row, index % NAMES == UUID     ? vbucket->uuid
                           : index % NAMES == PURGED ? 0
                                                     : vbucket->seqno);
}

static const struct group GROUPS[] = {{"", general_row},
                                      {"collections", collection_row},
                                      {"vbucket", vbucket_row},
                                      {"vbucket-seqno", seqno_row}};

/* ---------------------------------------------------------------- the command */

static const struct group *find_group(struct span name)
{
    for (size_t i = 0; i < sizeof(GROUPS) / sizeof(GROUPS[0]); i++) {
        if (span_equal(name, span_of(GROUPS[i].name, strlen(GROUPS[i].name)))) {
            return &GROUPS[i];
        }
    }
    return NULL;
}

/* Rows never have framing extras. Source: include/mcbp/codec/stats_codec.h. */
static struct kvr_response *add_row(struct command *command)
{
    struct kvr_response *response = reply_add(command);
    response->magic = MCBP_CLIENT_RESPONSE;
    response->framing_extras_size = 0;
    return response;
}

/* False: no memory, and the answer says so. */
static bool reply_row(struct command *command, const struct row *row)
{
    struct kvr_response *response = add_row(command);
    if (!reply_set_text(command, response, span_of(row->text, row->name + row->value))) {
        return false;
    }
    response->key = response->value;
    response->key_size = row->name;
    response->value = (const uint8_t *)response->value + row->name;
    response->value_size = row->value;
    return true;
}

void handle_stat(struct command *command)
{
    const struct group *group = find_group(command->frame->key);
    size_t *next = &command->session->statistics;
    struct row row;
    if (group == NULL) {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
        return;
    }
    for (int i = 0; i < ROWS; i++, ++*next) {
        if (!group->row(command, *next, &row)) {
            *next = 0;
            add_row(command);
            return;
        }
        if (!reply_row(command, &row)) {
            *next = 0;
            return;
        }
    }
    command->answer->more = true;
}
