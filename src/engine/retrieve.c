/* GET and TOUCH in all their forms. */
#include "base/endian.h"
#include "engine/execute.h"

enum part {
    WITH_KEY = 1,
    WITH_VALUE = 2,
};

/* The CAS and flags of the item, and the parts asked for; a hit answers, quiet or not. */
static void answer_hit(struct execution *execution, const struct content *item, unsigned parts)
{
    struct engine *engine = execution->engine;
    struct kvr_response *response = answer_add(execution);
    response->cas = item->cas;
    execution->answer->cas_unknown = item->cas_unknown;
    response->datatype = item->datatype;
    write_be32(engine->flags, item->flags);
    response->extras = engine->flags;
    response->extras_size = sizeof(engine->flags);
    if (parts & WITH_KEY) {
        response->key = execution->entry->key;
        response->key_size = execution->entry->key_size;
    }
    if (parts & WITH_VALUE) {
        response->value = item->value;
        response->value_size = item->value_size;
        response->value_owner = values_owner(&engine->store.values, item->value);
    }
}

/* A miss names the key instead of the error where a hit would name it. */
static void answer_miss(struct execution *execution, unsigned parts)
{
    if (execution->quiet) {
        return;
    }
    if ((parts & WITH_KEY) == 0) {
        answer_error(execution, MCBP_STATUS_KEY_NOT_FOUND);
        return;
    }
    struct kvr_response *response = answer_add(execution);
    response->status = MCBP_STATUS_KEY_NOT_FOUND;
    response->key = execution->frame->key.data;
    response->key_size = execution->frame->key.size;
}

static void get(struct execution *execution, unsigned parts)
{
    const struct content *item = execution_find(execution);
    if (item != NULL) {
        answer_hit(execution, item, parts);
    } else {
        answer_miss(execution, parts);
    }
}

/* The CAS stays as it is: a new expiry time is no mutation. */
static void retrieve_touch(struct execution *execution, unsigned parts)
{
    const struct content *item = execution_find(execution);
    if (item == NULL) {
        answer_miss(execution, parts);
        return;
    }
    struct content touched = *item;
    touched.expires = execution_expiry(execution, read_be32(execution->frame->extras.data));
    touched.expiry_unknown = false;
    store_change(&execution->engine->store, execution->entry, &touched);
    answer_hit(execution, &execution->entry->content, parts);
}

void command_get(struct execution *execution)
{
    get(execution, WITH_VALUE);
}

void command_getk(struct execution *execution)
{
    get(execution, WITH_KEY | WITH_VALUE);
}

void command_touch(struct execution *execution)
{
    retrieve_touch(execution, 0);
}

void command_gat(struct execution *execution)
{
    retrieve_touch(execution, WITH_VALUE);
}

void command_gatk(struct execution *execution)
{
    retrieve_touch(execution, WITH_KEY | WITH_VALUE);
}
