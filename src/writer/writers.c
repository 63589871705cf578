#include <string.h>

#include "writer/state.h"
#include "writer/writer.h"

const struct kvr_writer kvr_writers[] = {
    {"reserve", "a reservation per response: size first, at most two extents, one commit",
     state_create, state_destroy, reserve_write, state_configure},
    {"batch", "one reservation and one commit for all responses at hand", state_create,
     state_destroy, batch_write, state_configure},
    {"legacy", "two bufferevent_write per response, through a scratch buffer", state_create,
     state_destroy, legacy_write, NULL},
    {"append", "evbuffer_add per part", state_create, state_destroy, append_write, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
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
