#include "baseline/all_writers.h"

#include "baseline/baseline.h"
#include "writer/writer.h"

#include <stddef.h>
#include <string.h>

const struct kvr_writer_type *const all_writers[] = {&reserve_writer, &batch_writer, &legacy_writer,
                                                     &append_writer, NULL};

const struct kvr_writer_type *all_writers_find(const char *name)
{
    for (size_t i = 0; all_writers[i] != NULL; i++) {
        if (strcmp(all_writers[i]->name, name) == 0) {
            return all_writers[i];
        }
    }
    return NULL;
}
