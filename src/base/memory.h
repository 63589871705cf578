/*
 * Memory that runs out, whoever finds it out: each allocation of this program that fails is counted
 * where it fails. So a run that met one can say so at its end, and no caller has to hand it on.
 *
 * An executable that links `allocations` has its calls of malloc and its kin counted by themselves
 * (the linker's --wrap); what a library could not get, its caller notes.
 */
#ifndef KVREPLAY_BASE_MEMORY_H
#define KVREPLAY_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* How many allocations have failed since the program began, in all threads. */
uint64_t memory_failures(void);

/* A library had no memory. */
void memory_note_failure(void);

/* The same if that is what errno says, after a call that failed. Leaves errno as it is. */
void memory_note_errno(void);

/* Called with the size of each allocation from here on; NULL: nobody is. Not while other threads
 * allocate. */
void memory_watch(void (*watcher)(size_t size));

/* memory_watch's part of an allocation; for the functions that do it. */
void memory_note_allocation(size_t size);

#endif
