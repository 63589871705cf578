/*
 * What anonymise may keep of a frame, as kvreplay(1) lists it: a plain reading that shares no code
 * with src/anonymise, and is rather too generous than too strict.
 */
#ifndef KVREPLAY_FUZZ_KEPT_H
#define KVREPLAY_FUZZ_KEPT_H

#include "mcbp/frame.h"

enum { SURVIVOR_MIN = 10 /* bytes that are the same in one place: not by chance */ };

/* Whether so many bytes in a row are the same before and after; digits and blanks don't count, as
 * they may have been counted with. */
bool kept_survives(struct span before, struct span after);

/* Whether the frame after has nothing of the one before that it may not have. */
bool kept_is_anonymous(const struct mcbp_frame *before, const struct mcbp_frame *after);

#endif
