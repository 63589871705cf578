#include "report/json_text.h"

#include "report/printable.h"
#include "report/utf8.h"

#include <stdlib.h>

json_t *json_of_bytes(struct span bytes)
{
    size_t size;
    char *text = utf8_copy(bytes, NULL, &size);
    json_t *string = text == NULL ? NULL : json_stringn(text, size);
    free(text);
    return string;
}

json_t *json_of_text(const char *text)
{
    return text == NULL ? json_null() : json_of_bytes(span_of(text, strlen(text)));
}

json_t *json_of_hex(struct span bytes)
{
    char *hex = printable_hex(bytes);
    json_t *string = hex == NULL ? NULL : json_string_nocheck(hex);
    free(hex);
    return string;
}

void json_add_count(json_t *object, const char *key, uint64_t count, bool *ok)
{
    json_add(object, key, json_integer((json_int_t)count), ok);
}

void json_add(json_t *object, const char *key, json_t *value, bool *ok)
{
    if (json_object_set_new(object, key, value) != 0) {
        *ok = false;
    }
}
