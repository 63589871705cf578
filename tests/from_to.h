/* What cmocka 1 calls assert_in_range, which cmocka 2 warns of: there are two others instead. */
#ifndef KVREPLAY_TESTS_FROM_TO_H
#define KVREPLAY_TESTS_FROM_TO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline void assert_from_to(uintmax_t value, uintmax_t least, uintmax_t most)
{
    if (value < least || value > most) {
        fail_msg("%ju is not from %ju to %ju", value, least, most);
    }
}

#endif
