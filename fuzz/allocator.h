/*
 * The memory of libevent and of the writers under control: counted, and refused on demand. For
 * targets that are linked with malloc and free wrapped.
 */
#ifndef KVREPLAY_FUZZ_ALLOCATOR_H
#define KVREPLAY_FUZZ_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

/* Before the first call of libevent. */
void allocator_begin(void);

/* Refuses the allocation number `nth` from now on (1: the next), and all after it if `rest`. */
void allocator_refuse(size_t nth, bool rest);
/* Whether any was refused. */
bool allocator_allow(void);

/* Blocks granted and not yet freed. */
size_t allocator_live(void);

#endif
