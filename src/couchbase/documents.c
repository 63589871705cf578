#include "couchbase/documents.h"

#include "base/endian.h"
#include "base/hash.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->added = false)
#define HASH_FUNCTION(key, size, hash)                                                             \
    ((hash) = (unsigned)hash_key(span_of(key, size), documents->seed))
#include <uthash.h>

enum { KEY_AT = 4, ID_MAX = KEY_AT + 255 };

struct documents_entry {
    UT_hash_handle hh;
    struct document document;
    bool added;
    uint16_t id_size;
    uint8_t id[]; /* the collection, then the key */
};

/* Returns the size, 0: the key is too long. */
static size_t write_id(const struct document_id *id, uint8_t bytes[ID_MAX])
{
    if (id->key.size > ID_MAX - KEY_AT) {
        return 0;
    }
    write_be32(bytes, id->collection);
    memcpy(bytes + KEY_AT, id->key.data, id->key.size);
    return KEY_AT + id->key.size;
}

static struct documents_entry *find_entry(const struct documents *documents, const uint8_t *id,
                                          size_t size)
{
    struct documents_entry *entry;
    HASH_FIND(hh, documents->entries, id, size, entry);
    return entry;
}

static size_t entry_memory(size_t id_size)
{
    return sizeof(struct documents_entry) + id_size;
}

static size_t blob_memory(const struct blob *blob)
{
    return blob == NULL ? 0 : sizeof(*blob) + blob->size;
}

static void replace(struct documents *documents, struct blob **blob, struct blob *by)
{
    *documents->memory += blob_memory(by) - blob_memory(*blob);
    blob_drop(*blob);
    *blob = by;
}

static void remove_entry(struct documents *documents, struct documents_entry *entry)
{
    documents_set_value(documents, &entry->document, NULL);
    *documents->memory -= entry_memory(entry->id_size);
    HASH_DEL(documents->entries, entry);
    blob_drop(entry->document.xattrs);
    free(entry);
}

void documents_deinit(struct documents *documents)
{
    while (documents->entries != NULL) {
        remove_entry(documents, documents->entries);
    }
}

void documents_purge(struct documents *documents)
{
    struct documents_entry *next;
    for (struct documents_entry *entry = documents->entries; entry != NULL; entry = next) {
        next = entry->hh.next;
        if (entry->document.deleted) {
            remove_entry(documents, entry);
        }
    }
}

void documents_drop(struct documents *documents, uint32_t collection)
{
    struct documents_entry *next;
    for (struct documents_entry *entry = documents->entries; entry != NULL; entry = next) {
        next = entry->hh.next;
        if (read_be32(entry->id) == collection) {
            remove_entry(documents, entry);
        }
    }
}

void documents_set_packed(struct documents *documents, struct document *document,
                          struct blob *packed)
{
    replace(documents, &document->packed, packed);
}

void documents_set_value(struct documents *documents, struct document *document, struct blob *value)
{
    documents_set_packed(documents, document, NULL);
    replace(documents, &document->value, value);
}

struct document *documents_find_any(const struct documents *documents, const struct document_id *id)
{
    uint8_t bytes[ID_MAX];
    size_t size = write_id(id, bytes);
    struct documents_entry *entry = find_entry(documents, bytes, size);
    return entry == NULL ? NULL : &entry->document;
}

struct document *documents_find(const struct documents *documents, const struct document_id *id)
{
    struct document *document = documents_find_any(documents, id);
    bool is_there = document != NULL && (!document->deleted || document->revision > 0);
    return is_there ? document : NULL;
}

static struct documents_entry *add_entry(struct documents *documents, const uint8_t *id,
                                         size_t size)
{
    struct documents_entry *entry = calloc(1, sizeof(*entry) + size);
    if (entry == NULL) {
        return NULL;
    }
    memcpy(entry->id, id, size);
    entry->id_size = (uint16_t)size;
    entry->document.deleted = true;
    entry->added = true;
    HASH_ADD(hh, documents->entries, id, size, entry);
    if (!entry->added) {
        free(entry);
        return NULL;
    }
    *documents->memory += entry_memory(size);
    return entry;
}

struct document *documents_find_or_add(struct documents *documents, const struct document_id *id,
                                       bool *is_new)
{
    uint8_t bytes[ID_MAX];
    size_t size = write_id(id, bytes);
    struct documents_entry *entry = size == 0 ? NULL : find_entry(documents, bytes, size);
    *is_new = entry == NULL;
    if (entry == NULL && size > 0) {
        entry = add_entry(documents, bytes, size);
    }
    return entry == NULL ? NULL : &entry->document;
}

void documents_each(const struct documents *documents,
                    bool (*visit)(void *context, const struct document_id *id,
                                  const struct document *document),
                    void *context)
{
    for (const struct documents_entry *entry = documents->entries; entry != NULL;
         entry = entry->hh.next) {
        struct document_id id = {read_be32(entry->id),
                                 span_of(entry->id + KEY_AT, (size_t)entry->id_size - KEY_AT)};
        if (!visit(context, &id, &entry->document)) {
            return;
        }
    }
}
