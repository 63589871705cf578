/* What agrees and leaves the item as it is: it is placed as soon as it can run. */
#ifndef KVREPLAY_REPLAY_READS_H
#define KVREPLAY_REPLAY_READS_H

#include "replay/remaining.h"

/* It looked, and another request added the item then. */
bool reads_lacks_memory(const struct search *search, const struct operation *operation);
bool reads_has_lost_add(const struct search *search, const struct operation *operation);

/* It shows what is there, with the CAS of a counter that is next. */
bool reads_may_show_next_cas(const struct search *search, const struct operation *operation,
                             const struct remaining *remaining);

/* Places all reads that can run now. False: no order leads on from here. */
bool reads_place(struct search *search);

/* The lowest CAS yet to be told is that of a version which is not there any more. */
bool reads_is_too_late(const struct search *search, const struct remaining *remaining);

#endif
