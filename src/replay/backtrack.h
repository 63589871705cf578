/*
 * Backtracking: an order of all that is due, looked for from ever further back where none leads on.
 */
#ifndef KVREPLAY_REPLAY_BACKTRACK_H
#define KVREPLAY_REPLAY_BACKTRACK_H

#include "replay/linearize.h"

/* Places what was answered before `horizon` (a sequence). If that can't be, the likeliest order is
 * left placed, and backtrack_culprit is what it does not lead past. */
enum search_result backtrack_search(struct run *run, struct overlap *overlap, uint64_t horizon);

/* The operation that an order can't do without next, and that does not agree: it is the one that
 * is wrong, if any is. NULL: nothing waits. */
struct operation *backtrack_culprit(const struct overlap *overlap);

/* The answer shows a version whose content its own SET, ADD or REPLACE has told, and another. */
bool backtrack_contradicts_version(const struct overlap *overlap, const struct operation *culprit);

#endif
