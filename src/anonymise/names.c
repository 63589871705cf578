#include "anonymise/names.h"

#include <stdlib.h>

enum { ROOM_MIN = 256 };

struct name name_of(struct secret *secret, enum secret_use use, struct span bytes)
{
    uint8_t digest[SECRET_DIGEST_SIZE];
    struct name name;
    secret_digest(secret, use, &bytes, 1, digest);
    memcpy(name.bytes, digest, sizeof(name.bytes));
    return name;
}

/* Where the name is, or would be. */
static struct name_entry *slot(const struct names *self, const struct name *name)
{
    size_t i;
    memcpy(&i, name->bytes, sizeof(i)); /* an HMAC's bytes are as good as a hash */
    for (;; i++) {
        struct name_entry *entry = &self->entries[i & (self->room - 1)];
        if (!entry->used || memcmp(entry->name.bytes, name->bytes, NAME_SIZE) == 0) {
            return entry;
        }
    }
}

static bool names_grow(struct names *self)
{
    struct names larger = {.room = self->room == 0 ? ROOM_MIN : 2 * self->room};
    larger.entries = calloc(larger.room, sizeof(*larger.entries));
    if (larger.entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < self->room; i++) {
        if (self->entries[i].used) {
            *slot(&larger, &self->entries[i].name) = self->entries[i];
        }
    }
    larger.count = self->count;
    free(self->entries);
    *self = larger;
    return true;
}

bool names_add(struct names *self, const struct name *name, uint64_t number)
{
    if (4 * (self->count + 1) > 3 * self->room && !names_grow(self)) {
        return false;
    }
    struct name_entry *entry = slot(self, name);
    if (!entry->used) {
        *entry = (struct name_entry){.name = *name, .number = number, .used = true};
        self->count++;
    }
    return true;
}

bool names_find(const struct names *self, const struct name *name, uint64_t *number)
{
    if (self->count == 0) {
        return false;
    }
    const struct name_entry *entry = slot(self, name);
    *number = entry->number;
    return entry->used;
}

void names_deinit(struct names *self)
{
    free(self->entries);
    *self = (struct names){0};
}
