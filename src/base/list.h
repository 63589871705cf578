/*
 * Lists that run through their members: a member is in at most one list per `struct list_link` it
 * has. A list is a link itself, in a ring with its members.
 */
#ifndef KVREPLAY_BASE_LIST_H
#define KVREPLAY_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_link {
    struct list_link *previous;
    struct list_link *next;
};

/* The member that `link` is the field of. */
#define LIST_MEMBER(link, type, field) ((type *)((char *)(link)-offsetof(type, field)))

static inline void list_init(struct list_link *list)
{
    list->previous = list;
    list->next = list;
}

static inline bool list_is_empty(const struct list_link *list)
{
    return list->next == list;
}

static inline void list_insert_behind(struct list_link *place, struct list_link *link)
{
    link->previous = place;
    link->next = place->next;
    place->next->previous = link;
    place->next = link;
}

static inline void list_append(struct list_link *list, struct list_link *link)
{
    list_insert_behind(list->previous, link);
}

static inline void list_remove(struct list_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

/* For each member of the list, which must not change meanwhile. */
#define LIST_EACH(type, member, list, field)                                                       \
    for (type *member = LIST_MEMBER((list)->next, type, field); &member->field != (list);          \
         member = LIST_MEMBER(member->field.next, type, field))

/* Makes `link` the last of the list that it is in. */
static inline void list_move_to_end(struct list_link *list, struct list_link *link)
{
    if (list->previous != link) {
        list_remove(link);
        list_append(list, link);
    }
}

#endif
