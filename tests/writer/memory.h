/*
 * The memory of libevent and of the library under a test's control: counted, and refused on demand.
 * A test that links this needs memory_wrap too.
 */
#ifndef KVREPLAY_TESTS_WRITER_MEMORY_H
#define KVREPLAY_TESTS_WRITER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Takes over libevent's allocations. Before any other call of libevent, once. */
void memory_control(void);

/* Refuses the allocation number `nth` from now on (1: the next), and all after it if `rest`. */
void memory_refuse(size_t nth, bool rest);
void memory_allow(void);

/* Since the last memory_count_begin, whether granted or not. */
void memory_count_begin(void);
size_t memory_allocations(void);
size_t memory_bytes(void);

/* Blocks that are granted and not yet freed. */
size_t memory_live(void);

#endif
