/*
 * Which files a command line means: files as they are named, a folder's captures in order of name.
 */
#ifndef KVREPLAY_CAPTURE_FILES_H
#define KVREPLAY_CAPTURE_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct capture_file {
    char *path;
    const char *problem; /* why it is not to be opened; NULL: it is */
};

struct capture_files {
    struct capture_file *files;
    size_t count;
};

enum capture_files_result {
    CAPTURE_FILES_OK,
    CAPTURE_FILES_UNREADABLE, /* errno says why */
    CAPTURE_FILES_EMPTY,      /* a folder without a capture */
};

/*
 * Adds `path`: "-", a file whatever its name, or a folder, of which the files that are named
 * .pcap, .pcapng or .cap are taken (not those in folders within). A number may stand behind that,
 * as tcpdump -C has it, and then the ending of a compressed file. Those that can't be decompressed
 * are taken, too, so that they are not missed; so are FIFOs, sockets and devices, with a problem.
 */
enum capture_files_result capture_files_add(struct capture_files *files, const char *path);
/* Whether a regular file of that name begins as a capture does, or as a compressed one. */
bool capture_files_is_capture(const char *path);

void capture_files_deinit(struct capture_files *files);

#endif
