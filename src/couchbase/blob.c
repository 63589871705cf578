#include "couchbase/blob.h"

#include <stdlib.h>

static void blob_on_retain(struct kvr_value_owner *owner)
{
    blob_hold((struct blob *)owner);
}

static void blob_on_release(struct kvr_value_owner *owner)
{
    blob_drop((struct blob *)owner);
}

struct blob *blob_create(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct blob)) {
        return NULL;
    }
    struct blob *blob = malloc(sizeof(*blob) + size);
    if (blob != NULL) {
        blob->owner = (struct kvr_value_owner){blob_on_retain, blob_on_release};
        blob->size = size;
        atomic_init(&blob->holders, 1);
    }
    return blob;
}

struct blob *blob_join(struct span first, struct span second)
{
    struct blob *blob =
        first.size > SIZE_MAX - second.size ? NULL : blob_create(first.size + second.size);
    if (blob != NULL && first.size > 0) {
        memcpy(blob->bytes, first.data, first.size);
    }
    if (blob != NULL && second.size > 0) {
        memcpy(blob->bytes + first.size, second.data, second.size);
    }
    return blob;
}

struct blob *blob_hold(struct blob *blob)
{
    if (blob != NULL) {
        atomic_fetch_add_explicit(&blob->holders, 1, memory_order_relaxed);
    }
    return blob;
}

void blob_drop(struct blob *blob)
{
    if (blob != NULL && atomic_fetch_sub_explicit(&blob->holders, 1, memory_order_acq_rel) == 1) {
        free(blob);
    }
}
