/* Operations on a document, as fuzz_subdoc.c has them. */
#include "mutator_forms.h"

#include <string.h>

enum { SUBDOC_HEAD = 4 };

const struct field subdoc_fields[] = {{0, 1, 4}, {1, 1, 1}, {2, 2, 1}, {4, 1, 1}, {0, 0, 0}};

size_t subdoc_measure(const uint8_t *data, size_t size)
{
    size_t whole = SUBDOC_HEAD;
    if (size >= SUBDOC_HEAD) {
        whole += get(data + 1, 1) + get(data + 2, 2);
    }
    return whole < size ? whole : size;
}

size_t fresh_subdoc(struct random *random, uint8_t *out, size_t room)
{
    static const char *const paths[] = {"",       "a",     "b",      "a.b", "a[0]",  "[0]",
                                        "[-1]",   "a[-1]", "a.b.c",  "[1]", "`a.b`", "c[1].a",
                                        "[-1].a", "b``c",  "[0][0]", "a[2]"};
    static const char *const values[] = {"1",
                                         "[]",
                                         "{}",
                                         "\"s\"",
                                         "-1",
                                         "1,2",
                                         "null",
                                         "[1, 2 ]",
                                         "true",
                                         "1.5",
                                         "{\"a\":1}",
                                         "[ ]",
                                         "{ \"a\" : [1, {\"b\":2 }] , \"b\":3 }",
                                         "[[1],{\"a\":[2] }]",
                                         "{\"a\":{\"b\":{\"c\":1} , \"d\":2}}",
                                         "{\"a\":[ ]}"};
    const char *path = paths[random_below(random, sizeof(paths) / sizeof(paths[0]))];
    const char *value = values[random_below(random, sizeof(values) / sizeof(values[0]))];
    size_t size = SUBDOC_HEAD + strlen(path) + strlen(value);
    if (room < size) {
        return 0;
    }
    put(out, 1, random_below(random, 26));
    put(out + 1, 1, strlen(path));
    put(out + 2, 2, strlen(value));
    memcpy(out + SUBDOC_HEAD, path, strlen(path));
    memcpy(out + SUBDOC_HEAD + strlen(path), value, strlen(value));
    return size;
}

bool subdoc_stretch(struct random *random, uint8_t *unit, size_t size, int32_t more, size_t *at)
{
    size_t path_size = size < SUBDOC_HEAD ? 0 : get(unit + 1, 1);
    if (size < SUBDOC_HEAD + path_size) {
        return false;
    }
    bool is_path = random_below(random, 3) == 0;
    size_t there = is_path ? path_size : size - SUBDOC_HEAD - path_size;
    if (more < 0 && there < (size_t)-more) {
        return false;
    }
    *at = SUBDOC_HEAD + (is_path ? 0 : path_size);
    return is_path ? grow_number(unit + 1, 1, more) : grow_number(unit + 2, 2, more);
}
