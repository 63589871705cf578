/*
 * The pieces that values are put together of: a bifix code, of whose words none begins or ends
 * another (Berstel, Perrin, Reutenauer: Codes and Automata, 2009). Every value added is a sequence
 * of its words, and so is what any of them make when they are joined; there is only one such
 * sequence. In which order a server joined them need not be known, then.
 *
 * Words are only as short as that takes: "a", "ab" and "xab" are the words "a", "b" and "x".
 * Not thread-safe.
 */
#ifndef KVREPLAY_ANONYMISE_BIFIX_H
#define KVREPLAY_ANONYMISE_BIFIX_H

#include "base/span.h"

struct bifix {    /* all zero to begin with */
    void *begins; /* the words, as tsearch(3) keeps them, by their first bytes */
    void *ends;   /* and by their last ones */
    size_t bytes; /* of all words */
};

enum bifix_added { BIFIX_ADDED, BIFIX_FULL, BIFIX_NO_MEMORY };

/* Adds a value, of which it keeps what no word says if that is not more than `room` bytes. */
enum bifix_added bifix_add(struct bifix *bifix, struct span value, size_t room);

/*
 * The size of the word that the value begins with, or all of it where there is none. *beside is
 * where the caller may keep something with the word, NULL at first, which free(3) is for in the
 * end; NULL without a word. Adding may take words away.
 */
size_t bifix_first(const struct bifix *bifix, struct span value, void ***beside);

void bifix_deinit(struct bifix *bifix);

#endif
