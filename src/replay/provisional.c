#include "replay/provisional.h"

#include <stdlib.h>

bool provisional_add(struct provisional *all, const struct provisional_difference *difference)
{
    if (all->differences == NULL &&
        (all->differences = calloc(PROVISIONAL_MAX, sizeof(*all->differences))) == NULL) {
        return false;
    }
    all->differences[all->count++ % PROVISIONAL_MAX] = *difference;
    return true;
}

static size_t count_of(const struct provisional *all)
{
    return all->count < PROVISIONAL_MAX ? all->count : PROVISIONAL_MAX;
}

/* `instead` counts what is none. */
static void withdraw(struct provisional *all, struct provisional_difference *difference,
                     uint64_t *instead)
{
    struct executed_counts *counts = all->counts;
    if (difference->missing) {
        counts->missing--;
    } else {
        counts->check.compared--;
        counts->check.different--;
        ++*instead;
    }
    if (difference->record != NULL) {
        difference->record->withdrawn = true;
    }
    difference->model = NULL;
}

void provisional_withdraw_unseen(struct provisional *all, const struct model *model,
                                 uint64_t packet, uint64_t cas)
{
    for (size_t i = 0; i < count_of(all); i++) {
        struct provisional_difference *difference = &all->differences[i];
        bool older = difference->cas != 0 && difference->cas <= cas;
        if (difference->model == model && difference->unseen && difference->packet > packet &&
            !older) {
            withdraw(all, difference, &all->counts->adopted);
        }
    }
}

void provisional_withdraw_restart(struct provisional *all, const struct model *model,
                                  uint64_t packet)
{
    for (size_t i = 0; i < count_of(all); i++) {
        struct provisional_difference *difference = &all->differences[i];
        if (difference->model == model && difference->packet > packet) {
            withdraw(all, difference, &all->counts->adopted);
        }
    }
}

void provisional_withdraw_memory(struct provisional *all, const struct model *model)
{
    for (size_t i = 0; i < count_of(all); i++) {
        struct provisional_difference *difference = &all->differences[i];
        if (difference->model == model && difference->memory) {
            withdraw(all, difference, &all->counts->adopted);
        }
    }
}

void provisional_withdraw_early(struct provisional *all, const struct model *model)
{
    for (size_t i = 0; i < count_of(all); i++) {
        struct provisional_difference *difference = &all->differences[i];
        if (difference->model == model && difference->early) {
            all->counts->undecided++;
            withdraw(all, difference, &all->counts->not_executed);
        }
    }
}

void provisional_forget(struct provisional *all, const struct model *model)
{
    for (size_t i = 0; i < count_of(all); i++) {
        if (all->differences[i].model == model) {
            all->differences[i].model = NULL;
        }
    }
}

void provisional_deinit(struct provisional *all, struct verify_result *result)
{
    size_t kept = 0;
    for (size_t i = 0; all->count > 0 && i < result->differences_count; i++) {
        if (!result->differences[i].withdrawn) {
            result->differences[kept++] = result->differences[i];
        }
    }
    if (all->count > 0) {
        result->differences_count = kept;
    }
    free(all->differences);
}
