#include "couchbase/collections.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char DEFAULT_NAME[] = "_default";

void collections_deinit(struct collections *self)
{
    for (size_t i = 0; i < self->scopes_count; i++) {
        free(self->scopes[i].name);
    }
    for (size_t i = 0; i < self->collections_count; i++) {
        free(self->collections[i].name);
    }
    free(self->scopes);
    free(self->collections);
    blob_drop(self->manifest);
}

static bool is_named(const char *name, struct span text)
{
    return span_equal(span_of(name, strlen(name)), text);
}

/* Returns the scope's index, scopes_count if there is none. */
static size_t find_scope(const struct collections *self, struct span name)
{
    size_t i = 0;
    while (i < self->scopes_count && !is_named(self->scopes[i].name, name)) {
        i++;
    }
    return i;
}

static const struct collection *find_collection(const struct collections *self, size_t scope,
                                                struct span name)
{
    for (size_t i = 0; i < self->collections_count; i++) {
        const struct collection *collection = &self->collections[i];
        if (collection->scope == scope && is_named(collection->name, name)) {
            return collection;
        }
    }
    return NULL;
}

static bool add_scope(struct collections *self, const char *name, uint32_t id)
{
    struct scope *scope = &self->scopes[self->scopes_count];
    *scope = (struct scope){strdup(name), id};
    self->scopes_count += scope->name != NULL;
    return scope->name != NULL;
}

static bool add_collection(struct collections *self, const char *name, size_t scope, uint32_t id)
{
    struct collection *collection = &self->collections[self->collections_count];
    *collection = (struct collection){strdup(name), scope, id, COLLECTIONS_NO_TTL};
    self->collections_count += collection->name != NULL;
    return collection->name != NULL;
}

/* Ids are given out in the order of the options, to scopes and collections from one counter. */
static bool add_given(struct collections *self, const struct couchbase_collection *given,
                      uint32_t *next_id)
{
    struct span name = span_of(given->scope, strlen(given->scope));
    size_t scope = find_scope(self, name);
    if (scope == self->scopes_count && !add_scope(self, given->scope, (*next_id)++)) {
        return false;
    }
    name = span_of(given->name, strlen(given->name));
    return find_collection(self, scope, name) != NULL ||
           add_collection(self, given->name, scope, (*next_id)++);
}

/* ---------------------------------------------------------------------------------- JSON */

static json_t *hexadecimal(uint64_t number)
{
    char text[17];
    snprintf(text, sizeof(text), "%" PRIx64, number);
    return json_string(text);
}

static json_t *describe_scope(const struct collections *self, size_t scope)
{
    json_t *list = json_array();
    for (size_t i = 0; i < self->collections_count; i++) {
        const struct collection *collection = &self->collections[i];
        if (collection->scope == scope) {
            json_t *limit = collection->max_ttl == COLLECTIONS_NO_TTL
                                ? NULL
                                : json_integer((json_int_t)collection->max_ttl);
            json_array_append_new(list,
                                  json_pack("{s:s, s:o, s:o*}", "name", collection->name, "uid",
                                            hexadecimal(collection->id), "maxTTL", limit));
        }
    }
    return json_pack("{s:o, s:s, s:o}", "collections", list, "name", self->scopes[scope].name,
                     "uid", hexadecimal(self->scopes[scope].id));
}

static struct blob *make_manifest(const struct collections *self)
{
    json_t *scopes = json_array();
    for (size_t i = 0; i < self->scopes_count; i++) {
        json_array_append_new(scopes, describe_scope(self, i));
    }
    json_t *manifest = json_pack("{s:o, s:o}", "scopes", scopes, "uid", hexadecimal(self->uid));
    char *text = json_dumps(manifest, JSON_COMPACT | JSON_SORT_KEYS);
    struct blob *blob = text == NULL ? NULL : blob_copy(span_of(text, strlen(text)));
    free(text);
    json_decref(manifest);
    return blob;
}

bool collections_init(struct collections *self, const struct couchbase_options *options)
{
    uint32_t next_id = COLLECTIONS_FIRST;
    size_t room = options->collections_count + 1;
    self->scopes = calloc(room, sizeof(*self->scopes));
    self->collections = calloc(room, sizeof(*self->collections));
    bool added = self->scopes != NULL && self->collections != NULL &&
                 add_scope(self, DEFAULT_NAME, COLLECTIONS_DEFAULT) &&
                 add_collection(self, DEFAULT_NAME, 0, COLLECTIONS_DEFAULT);
    for (size_t i = 0; added && i < options->collections_count; i++) {
        added = add_given(self, &options->collections[i], &next_id);
    }
    self->uid = options->collections_count;
    self->any = options->any_collection;
    self->manifest = added ? make_manifest(self) : NULL;
    return self->manifest != NULL;
}

/* ------------------------------------------------------------------------------ a manifest */

enum { NAME_MAX_BYTES = 251 };

static bool is_valid_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-%";
    size_t size = name == NULL ? 0 : strlen(name);
    return size > 0 && size <= NAME_MAX_BYTES && strspn(name, allowed) == size;
}

/* Hexadecimal digits. */
static bool read_uid(const json_t *json, uint64_t max, uint64_t *uid)
{
    const char *text = json_string_value(json);
    char *end;
    if (text == NULL || strspn(text, "0123456789abcdefABCDEF") != strlen(text) || *text == '\0') {
        return false;
    }
    errno = 0;
    *uid = strtoull(text, &end, 16);
    return errno == 0 && *uid <= max;
}

/* The default's id and name belong together, and some ids are reserved. */
static bool is_valid_id(uint64_t id, const char *name)
{
    return id == COLLECTIONS_DEFAULT ? strcmp(name, DEFAULT_NAME) == 0
                                     : id >= COLLECTIONS_FIRST && strcmp(name, DEFAULT_NAME) != 0;
}

/* Source: Manifest::Manifest there. */
static bool read_max_ttl(const json_t *json, int64_t *seconds)
{
    *seconds = json == NULL ? COLLECTIONS_NO_TTL : json_integer_value(json);
    return json == NULL || (json_is_integer(json) && *seconds >= 0 && *seconds <= INT32_MAX);
}

static enum collections_read read_collection(struct collections *self, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    size_t scope = self->scopes_count - 1;
    uint64_t id;
    int64_t max_ttl;
    if (!is_valid_name(name) || !read_uid(json_object_get(json, "uid"), UINT32_MAX, &id) ||
        !is_valid_id(id, name) || (id == COLLECTIONS_DEFAULT && self->scopes[scope].id != id) ||
        !read_max_ttl(json_object_get(json, "maxTTL"), &max_ttl) ||
        collections_has(self, (uint32_t)id) ||
        find_collection(self, scope, span_of(name, strlen(name))) != NULL) {
        return COLLECTIONS_INVALID;
    }
    if (!add_collection(self, name, scope, (uint32_t)id)) {
        return COLLECTIONS_NO_MEMORY;
    }
    self->collections[self->collections_count - 1].max_ttl = max_ttl;
    return COLLECTIONS_READ;
}

static bool has_scope(const struct collections *self, uint64_t id, const char *name)
{
    for (size_t i = 0; i < self->scopes_count; i++) {
        if (self->scopes[i].id == id || strcmp(self->scopes[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum collections_read read_scope(struct collections *self, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *list = json_object_get(json, "collections");
    uint64_t id;
    enum collections_read result = COLLECTIONS_READ;
    if (!is_valid_name(name) || !read_uid(json_object_get(json, "uid"), UINT32_MAX, &id) ||
        !is_valid_id(id, name) || has_scope(self, id, name) || !json_is_array(list)) {
        return COLLECTIONS_INVALID;
    }
    if (!add_scope(self, name, (uint32_t)id)) {
        return COLLECTIONS_NO_MEMORY;
    }
    for (size_t i = 0; result == COLLECTIONS_READ && i < json_array_size(list); i++) {
        result = read_collection(self, json_array_get(list, i));
    }
    return result;
}

static size_t count_collections(const json_t *scopes)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(scopes); i++) {
        count += json_array_size(json_object_get(json_array_get(scopes, i), "collections"));
    }
    return count;
}

static enum collections_read read_manifest(struct collections *self, const json_t *manifest)
{
    const json_t *scopes = json_object_get(manifest, "scopes");
    enum collections_read result = COLLECTIONS_READ;
    if (!json_is_array(scopes) ||
        !read_uid(json_object_get(manifest, "uid"), UINT64_MAX, &self->uid)) {
        return COLLECTIONS_INVALID;
    }
    self->scopes = calloc(json_array_size(scopes) + 1, sizeof(*self->scopes));
    self->collections = calloc(count_collections(scopes) + 1, sizeof(*self->collections));
    if (self->scopes == NULL || self->collections == NULL) {
        return COLLECTIONS_NO_MEMORY;
    }
    for (size_t i = 0; result == COLLECTIONS_READ && i < json_array_size(scopes); i++) {
        result = read_scope(self, json_array_get(scopes, i));
    }
    if (result == COLLECTIONS_READ && !has_scope(self, COLLECTIONS_DEFAULT, DEFAULT_NAME)) {
        return COLLECTIONS_INVALID;
    }
    return result;
}

enum collections_read collections_read(struct collections *self, struct span manifest)
{
    *self = (struct collections){0};
    json_t *json = json_loadb((const char *)manifest.data, manifest.size, 0, NULL);
    enum collections_read result = json == NULL ? COLLECTIONS_INVALID : read_manifest(self, json);
    json_decref(json);
    if (result == COLLECTIONS_READ) {
        self->manifest = make_manifest(self);
        result = self->manifest == NULL ? COLLECTIONS_NO_MEMORY : result;
    }
    return result;
}

static bool keeps_scopes(const struct collections *self, const struct collections *next)
{
    for (size_t i = 0; i < self->scopes_count; i++) {
        for (size_t j = 0; j < next->scopes_count; j++) {
            if (self->scopes[i].id == next->scopes[j].id &&
                strcmp(self->scopes[i].name, next->scopes[j].name) != 0) {
                return false;
            }
        }
    }
    return true;
}

static bool keeps_collections(const struct collections *self, const struct collections *next)
{
    for (size_t i = 0; i < self->collections_count; i++) {
        const struct collection *old = &self->collections[i];
        for (size_t j = 0; j < next->collections_count; j++) {
            const struct collection *new = &next->collections[j];
            if (old->id == new->id &&
                (strcmp(old->name, new->name) != 0 ||
                 self->scopes[old->scope].id != next->scopes[new->scope].id)) {
                return false;
            }
        }
    }
    return true;
}

bool collections_may_follow(const struct collections *self, const struct collections *next)
{
    if (next->uid == self->uid) {
        return span_equal(blob_span(self->manifest), blob_span(next->manifest));
    }
    return next->uid > self->uid && keeps_scopes(self, next) && keeps_collections(self, next);
}

/* ------------------------------------------------------------------------------- finding */

bool collections_has(const struct collections *self, uint32_t id)
{
    for (size_t i = 0; i < self->collections_count; i++) {
        if (self->collections[i].id == id) {
            return true;
        }
    }
    return self->any;
}

uint32_t collections_max_ttl(const struct collections *self, uint32_t id)
{
    for (size_t i = 0; i < self->collections_count; i++) {
        if (self->collections[i].id == id && self->collections[i].max_ttl > 0) {
            return (uint32_t)self->collections[i].max_ttl;
        }
    }
    return 0;
}

static struct span or_default(struct span name)
{
    return name.size == 0 ? span_of(DEFAULT_NAME, strlen(DEFAULT_NAME)) : name;
}

/* Divides a path at its dot. Returns how many dots it has. */
static size_t divide(struct span path, struct span *scope, struct span *collection)
{
    size_t dots = 0;
    *scope = path;
    *collection = span_of(NULL, 0);
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '.' && dots++ == 0) {
            *scope = span_head(path, i);
            *collection = span_skip(path, i + 1);
        }
    }
    return dots;
}

enum collections_found collections_find(const struct collections *self, struct span path,
                                        uint32_t *id)
{
    struct span scope_name;
    struct span name;
    if (divide(path, &scope_name, &name) != 1) {
        return COLLECTIONS_MALFORMED;
    }
    size_t scope = find_scope(self, or_default(scope_name));
    if (scope == self->scopes_count) {
        return COLLECTIONS_NO_SCOPE;
    }
    const struct collection *collection = find_collection(self, scope, or_default(name));
    *id = collection == NULL ? 0 : collection->id;
    return collection == NULL ? COLLECTIONS_NO_COLLECTION : COLLECTIONS_FOUND;
}

enum collections_found collections_find_scope(const struct collections *self, struct span path,
                                              uint32_t *id)
{
    struct span name;
    struct span rest;
    if (divide(path, &name, &rest) > 1) {
        return COLLECTIONS_MALFORMED;
    }
    size_t scope = find_scope(self, or_default(name));
    *id = scope == self->scopes_count ? 0 : self->scopes[scope].id;
    return scope == self->scopes_count ? COLLECTIONS_NO_SCOPE : COLLECTIONS_FOUND;
}
