/* What may be next, the likeliest first. */
#ifndef KVREPLAY_REPLAY_CHOICES_H
#define KVREPLAY_REPLAY_CHOICES_H

#include "replay/remaining.h"

/* Adds them to search->choices, as far as search->width goes. False: no memory. */
bool choices_list(struct search *search, const struct remaining *remaining);

#endif
