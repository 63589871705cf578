#include "report/fields.h"
#include "report/frame.h"
#include "report/json_text.h"

#include <inttypes.h>

enum { NAME_SIZE = 64 };

static void fields_json_add(struct fields *fields, const char *name, json_t *value)
{
    bool ok = true;
    json_add(fields->one != NULL ? fields->one : fields->object, name, value, &ok);
    fields->failed |= !ok;
}

static void fields_json_number(struct fields *fields, const char *name, uint64_t number,
                               enum fields_form form)
{
    char text[NAME_SIZE];
    if (form == FIELDS_DECIMAL || form == FIELDS_HEX) {
        fields_json_add(fields, name, json_integer((json_int_t)number));
        return;
    }
    snprintf(text, sizeof(text), form == FIELDS_LARGE ? "%" PRIu64 : "0x%016" PRIx64, number);
    fields_json_add(fields, name, json_string(text));
}

static void fields_json_word(struct fields *fields, const char *name, const char *word)
{
    fields_json_add(fields, name, json_string(word));
}

static void fields_json_bytes(struct fields *fields, const char *name, struct span bytes)
{
    char hex[NAME_SIZE];
    snprintf(hex, sizeof(hex), "%s_hex", name);
    fields_json_add(fields, name, json_of_bytes(bytes));
    fields_json_add(fields, hex, json_of_hex(bytes));
}

static void fields_json_begins(struct fields *fields, const char *name, struct span bytes)
{
    char text[NAME_SIZE];
    bool cut = bytes.size > FRAME_PREVIEW;
    snprintf(text, sizeof(text), "%s_size", name);
    fields_json_add(fields, text, json_integer((json_int_t)bytes.size));
    snprintf(text, sizeof(text), "%s_begin", name);
    fields_json_bytes(fields, text, cut ? span_head(bytes, FRAME_PREVIEW) : bytes);
}

static void fields_json_is(struct fields *fields, const char *name)
{
    fields_json_add(fields, name, json_true());
}

static void fields_json_list(struct fields *fields, const char *name)
{
    json_t *array = json_array();
    fields_json_add(fields, name, array);
    fields->array = fields->failed ? NULL : array;
}

static void fields_json_append(struct fields *fields, json_t *value)
{
    if (fields->array == NULL) {
        json_decref(value);
    } else if (json_array_append_new(fields->array, value) != 0) {
        fields->failed = true;
    }
}

static void fields_json_entry(struct fields *fields, const char *word)
{
    fields_json_append(fields, json_string(word));
}

static void fields_json_item(struct fields *fields)
{
    json_t *one = fields->array == NULL ? NULL : json_object();
    fields_json_append(fields, one);
    fields->failed |= one == NULL;
    fields->one = fields->failed ? NULL : one;
}

static void fields_json_end(struct fields *fields)
{
    fields->array = NULL;
    fields->one = NULL;
}

void fields_json_init(struct fields *fields, json_t *object)
{
    static const struct fields_writer writer = {
        .number = fields_json_number,
        .word = fields_json_word,
        .bytes = fields_json_bytes,
        .begins = fields_json_begins,
        .is = fields_json_is,
        .list = fields_json_list,
        .entry = fields_json_entry,
        .item = fields_json_item,
        .end = fields_json_end,
    };
    *fields = (struct fields){.writer = &writer, .object = object};
}
