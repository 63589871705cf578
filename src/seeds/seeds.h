/*
 * Captures cut into seeds for the fuzz targets, in the form that each of them takes (the comment on
 * top of fuzz/fuzz_TARGET.c has it); and a stream of requests made into a capture again.
 */
#ifndef KVREPLAY_SEEDS_SEEDS_H
#define KVREPLAY_SEEDS_SEEDS_H

#include "result/result.h"

#include <stdio.h>

struct seeds;

enum { SEEDS_PROBLEM_SIZE = 512 };

/* Whether inputs of that target can be cut from a capture. `list` (may be NULL) is set to the names
 * of all such targets, for messages. */
bool seeds_target_is_known(const char *target, const char **list);

/* Seeds of a known target, as files in `folder`, which is made if need be. NULL: no memory, or the
 * folder can't be made; errno says which. */
struct seeds *seeds_create(const char *target, const char *folder);
void seeds_destroy(struct seeds *seeds);

/*
 * Cuts one capture. VERIFY_IDENTICAL, VERIFY_UNREADABLE (what came before the damage is cut) or
 * VERIFY_INTERNAL (a seed could not be written); unless the first, `problem` says why.
 */
enum verify_status seeds_cut(struct seeds *seeds, const char *path,
                             char problem[SEEDS_PROBLEM_SIZE]);

/* Files written; seeds that were the same as an earlier one are not. */
unsigned seeds_count(const struct seeds *seeds);

/*
 * Writes an input of the targets frame or execute as a pcap file: a TCP conversation in which the
 * client sends the stream. False: errno says why it could not be read or written.
 */
bool seeds_to_pcap(const char *input, FILE *out);

#endif
