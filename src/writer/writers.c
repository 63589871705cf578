#include <string.h>

#include "writer/undo.h"
#include "writer/writer.h"

const struct kvr_writer kvr_writers[] = {
    {"reserve", "a reservation per response: size first, at most two extents, one commit",
     undo_create, undo_destroy, reserve_write},
    {"legacy", "two bufferevent_write per response, through a scratch buffer", undo_create,
     undo_destroy, legacy_write},
    {"append", "evbuffer_add per part", undo_create, undo_destroy, append_write},
    {NULL, NULL, NULL, NULL, NULL},
};

const struct kvr_writer *kvr_writer_find(const char *name)
{
    for (const struct kvr_writer *writer = kvr_writers; writer->name != NULL; writer++) {
        if (strcmp(writer->name, name) == 0) {
            return writer;
        }
    }
    return NULL;
}
