/*
 * The library's own objects: what programs see as opaque.
 */
#include "kvresponse/kvresponse.h"

#include "writer/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *kvr_version(void)
{
    return KVR_VERSION;
}

/* ------------------------------------------------------------------------------------- options */

struct kvr_options *kvr_options_new(void)
{
    return calloc(1, sizeof(struct kvr_options));
}

void kvr_options_free(struct kvr_options *options)
{
    free(options);
}

void kvr_options_set_reference_threshold(struct kvr_options *options, size_t bytes)
{
    options->reference_threshold = bytes;
}

/* --------------------------------------------------------------------------------------- types */

static const struct kvr_writer_type *const types[] = {&reserve_writer, &batch_writer};

size_t kvr_writer_count(void)
{
    return sizeof(types) / sizeof(types[0]);
}

const struct kvr_writer_type *kvr_writer_get(size_t index)
{
    return index < kvr_writer_count() ? types[index] : NULL;
}

const struct kvr_writer_type *kvr_writer_find(const char *name)
{
    for (size_t i = 0; i < kvr_writer_count(); i++) {
        if (strcmp(types[i]->name, name) == 0) {
            return types[i];
        }
    }
    return NULL;
}

const char *kvr_writer_type_name(const struct kvr_writer_type *type)
{
    return type->name;
}

const char *kvr_writer_type_summary(const struct kvr_writer_type *type)
{
    return type->summary;
}

/* ------------------------------------------------------------------------------------- writers */

struct kvr_writer {
    const struct kvr_writer_type *type;
    void *state;
};

struct kvr_writer *kvr_writer_new(const char *name, const struct kvr_options *options)
{
    const struct kvr_writer_type *type = kvr_writer_find(name);
    if (type == NULL) {
        errno = EINVAL;
        return NULL;
    }
    struct kvr_writer *writer = malloc(sizeof(*writer));
    void *state = writer == NULL ? NULL : type->create();
    if (state == NULL) {
        free(writer);
        errno = ENOMEM;
        return NULL;
    }
    if (options != NULL) {
        type->configure(state, options);
    }
    *writer = (struct kvr_writer){type, state};
    return writer;
}

void kvr_writer_free(struct kvr_writer *writer)
{
    if (writer != NULL) {
        writer->type->destroy(writer->state);
        free(writer);
    }
}

enum kvr_error kvr_write(struct kvr_writer *writer, struct bufferevent *bufferevent,
                         const struct kvr_response *responses, size_t count)
{
    return writer->type->write(writer->state, bufferevent, responses, count);
}
