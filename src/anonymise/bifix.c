#include "anonymise/bifix.h"

#include <search.h>
#include <stdlib.h>

struct word {
    struct span span; /* of what follows */
    struct word *next;
    void *beside;
    uint8_t bytes[];
};

/*
 * Both orders take two for equal if one begins, or ends, the other. That is an order as long as
 * none does, and a search finds the word that begins a value, or one that the value begins.
 */
static int compare_begins(const void *first, const void *second)
{
    const struct span *a = first;
    const struct span *b = second;
    return memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);
}

static int compare_ends(const void *first, const void *second)
{
    const struct span *a = first;
    const struct span *b = second;
    size_t size = a->size < b->size ? a->size : b->size;
    for (size_t i = 1; i <= size; i++) {
        int order = a->data[a->size - i] - b->data[b->size - i];
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

typedef int compare(const void *first, const void *second);

static struct word *bifix_find(void *const *tree, struct span value, compare *order)
{
    void *node = value.size == 0 ? NULL : tfind(&value, tree, order);
    return node == NULL ? NULL : *(struct word **)node;
}

/* The size of the word that begins, or ends, the value; 0: none. */
static size_t bifix_find_in(void *const *tree, struct span value, compare *order)
{
    const struct word *word = bifix_find(tree, value, order);
    return word == NULL || word->span.size > value.size ? 0 : word->span.size;
}

size_t bifix_first(const struct bifix *self, struct span value, void ***beside)
{
    struct word *word = bifix_find(&self->begins, value, compare_begins);
    bool begins = word != NULL && word->span.size <= value.size;
    *beside = begins ? &word->beside : NULL;
    return begins ? word->span.size : value.size;
}

/* What is left of the value without the words at both of its ends. */
static struct span unknown_part(const struct bifix *self, struct span value)
{
    size_t size;
    while ((size = bifix_find_in(&self->begins, value, compare_begins)) > 0) {
        value = span_skip(value, size);
    }
    while ((size = bifix_find_in(&self->ends, value, compare_ends)) > 0) {
        value = span_head(value, value.size - size);
    }
    return value;
}

/* ------------------------------------------------------------------------------------- adding */

static struct word *bifix_create(struct span span)
{
    struct word *word = malloc(sizeof(*word) + span.size);
    if (word != NULL) {
        memcpy(word->bytes, span.data, span.size);
        word->span = span_of(word->bytes, span.size);
        word->next = NULL;
        word->beside = NULL;
    }
    return word;
}

static bool insert(struct bifix *self, struct word *word)
{
    if (tsearch(word, &self->begins, compare_begins) == NULL) {
        return false;
    }
    if (tsearch(word, &self->ends, compare_ends) == NULL) {
        tdelete(word, &self->begins, compare_begins);
        return false;
    }
    self->bytes += word->span.size;
    return true;
}

/* Takes out the words that begin or end with the value, which begins or ends with none. */
static struct word *take_longer(struct bifix *self, struct span value, struct word *list)
{
    struct word *word;
    while ((word = bifix_find(&self->begins, value, compare_begins)) != NULL ||
           (word = bifix_find(&self->ends, value, compare_ends)) != NULL) {
        tdelete(word, &self->begins, compare_begins);
        tdelete(word, &self->ends, compare_ends);
        self->bytes -= word->span.size;
        word->next = list;
        list = word;
    }
    return list;
}

static void bifix_destroy(void *pointer)
{
    struct word *word = pointer;
    free(word->beside);
    free(word);
}

static void free_all(struct word *list)
{
    while (list != NULL) {
        struct word *next = list->next;
        bifix_destroy(list);
        list = next;
    }
}

/* Each value of the list is cut to what no word says, and is a word then; those that it begins or
 * ends are cut in their turn. */
static bool add_all(struct bifix *self, struct word *list)
{
    while (list != NULL) {
        struct word *value = list;
        struct span part = unknown_part(self, value->span);
        struct word *word = part.size == 0 ? NULL : bifix_create(part);
        list = list->next;
        bifix_destroy(value);
        if (part.size == 0) {
            continue;
        }
        if (word != NULL) {
            list = take_longer(self, word->span, list);
        }
        if (word == NULL || !insert(self, word)) {
            free(word);
            free_all(list);
            return false;
        }
    }
    return true;
}

enum bifix_added bifix_add(struct bifix *self, struct span value, size_t room)
{
    struct span part = unknown_part(self, value);
    if (part.size == 0) {
        return BIFIX_ADDED;
    }
    if (part.size > room) {
        return BIFIX_FULL;
    }
    struct word *word = bifix_create(part);
    return word != NULL && add_all(self, word) ? BIFIX_ADDED : BIFIX_NO_MEMORY;
}

static void bifix_keep(void *word)
{
    (void)word;
}

void bifix_deinit(struct bifix *self)
{
    tdestroy(self->ends, bifix_keep);
    tdestroy(self->begins, bifix_destroy);
    *self = (struct bifix){0};
}
