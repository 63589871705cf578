/*
 * What a frame's bytes mean, as named fields and lists of such: whoever finds it out (describe.h)
 * tells it to one of these, which writes text or makes JSON of it.
 */
#ifndef KVREPLAY_REPORT_FIELDS_H
#define KVREPLAY_REPORT_FIELDS_H

#include "base/span.h"

#include <jansson.h>
#include <stdio.h>

enum fields_form {
    FIELDS_DECIMAL, /* up to 32 bits, as is HEX: a number in JSON */
    FIELDS_HEX,
    FIELDS_LARGE, /* 64 bits, as is LARGE_HEX: a string in JSON, where readers may round numbers */
    FIELDS_LARGE_HEX,
};

struct fields;

/* Names are as JSON has them, "like_this"; in text they are "like-this". */
struct fields_writer {
    void (*number)(struct fields *fields, const char *name, uint64_t number, enum fields_form form);
    void (*word)(struct fields *fields, const char *name, const char *word); /* without spaces */
    void (*bytes)(struct fields *fields, const char *name, struct span bytes);
    void (*begins)(struct fields *fields, const char *name, struct span bytes); /* and how long */
    void (*is)(struct fields *fields, const char *name); /* there is nothing more to say of it */

    /* A list, of words or of items, which are fields themselves and hold no lists. */
    void (*list)(struct fields *fields, const char *name);
    void (*entry)(struct fields *fields, const char *word);
    void (*item)(struct fields *fields);
    void (*end)(struct fields *fields);
};

struct fields {
    const struct fields_writer *writer;
    /* text */
    FILE *out;
    const char *before; /* what separates from the field before */
    bool in_item;
    /* JSON */
    json_t *object; /* the caller's; gets the fields */
    json_t *array;  /* the list at hand, and its item */
    json_t *one;
    bool failed; /* no memory */
};

/* Each field is written as " name=value". */
void fields_text_init(struct fields *fields, FILE *out);

/* Each is added to `object`. */
void fields_json_init(struct fields *fields, json_t *object);

static inline void fields_number(struct fields *fields, const char *name, uint64_t number)
{
    fields->writer->number(fields, name, number, FIELDS_DECIMAL);
}

static inline void fields_hex(struct fields *fields, const char *name, uint64_t number)
{
    fields->writer->number(fields, name, number, FIELDS_HEX);
}

static inline void fields_large(struct fields *fields, const char *name, uint64_t number)
{
    fields->writer->number(fields, name, number, FIELDS_LARGE);
}

static inline void fields_large_hex(struct fields *fields, const char *name, uint64_t number)
{
    fields->writer->number(fields, name, number, FIELDS_LARGE_HEX);
}

static inline void fields_word(struct fields *fields, const char *name, const char *word)
{
    fields->writer->word(fields, name, word);
}

static inline void fields_bytes(struct fields *fields, const char *name, struct span bytes)
{
    fields->writer->bytes(fields, name, bytes);
}

static inline void fields_begins(struct fields *fields, const char *name, struct span bytes)
{
    fields->writer->begins(fields, name, bytes);
}

static inline void fields_is(struct fields *fields, const char *name)
{
    fields->writer->is(fields, name);
}

static inline void fields_list(struct fields *fields, const char *name)
{
    fields->writer->list(fields, name);
}

static inline void fields_entry(struct fields *fields, const char *word)
{
    fields->writer->entry(fields, word);
}

static inline void fields_item(struct fields *fields)
{
    fields->writer->item(fields);
}

static inline void fields_end(struct fields *fields)
{
    fields->writer->end(fields);
}

#endif
