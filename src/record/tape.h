/*
 * Where packets are recorded: a pcapng file, or one after the other.
 *
 * With rotation, FILE.pcapng becomes FILE-00001.pcapng, FILE-00002.pcapng and so on. Each is a
 * capture of its own; one after the other (cat) they are one, with nothing missing between them.
 */
#ifndef KVREPLAY_RECORD_TAPE_H
#define KVREPLAY_RECORD_TAPE_H

#include "capture/pcapng.h"

enum { TAPE_PROBLEM_SIZE = 512 };

struct tape_options {
    const char *path;        /* "-": standard output */
    bool replace;            /* an existing file, or set of rotated ones */
    uint64_t rotate_size;    /* bytes that a file may have; 0: any number */
    int64_t rotate_interval; /* nanoseconds of packets' time that a file may span; 0: any */
    uint64_t packets_max;    /* of all files; then tape_is_full. 0: none. */
    uint64_t bytes_max;      /* likewise */
    struct pcapng_interface interface;
};

struct tape_counts {
    uint64_t packets;
    uint64_t bytes; /* of the files */
    unsigned files;
};

struct tape;

/*
 * Creates the first file. The options are copied; what they point to is referred to. NULL:
 * `problem` says why, with the file's name.
 */
struct tape *tape_open(const struct tape_options *options, char problem[TAPE_PROBLEM_SIZE]);

/* As pcapng_write. False: it was not recorded, nor will anything be from here on; tape_problem. */
bool tape_write(struct tape *tape, int64_t time, uint32_t length, const struct span *parts,
                size_t count);

/* Hands what was written so far to the system. False as above. */
bool tape_flush(struct tape *tape);

/* Says in the file how many packets the interface has seen and dropped. False as above. */
bool tape_write_statistics(struct tape *tape, int64_t time, uint64_t received, uint64_t dropped);

/* NULL: everything was written. */
const char *tape_problem(const struct tape *tape);
bool tape_is_full(const struct tape *tape);
struct tape_counts tape_counts(const struct tape *tape);

/* Closes the file. False: not all of it was written; `problem` says why. */
bool tape_close(struct tape *tape, char problem[TAPE_PROBLEM_SIZE]);

#endif
