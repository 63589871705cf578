/*
 * Which files a command line means: files as they are named, a folder's captures in order of name.
 */
#ifndef KVREPLAY_CAPTURE_FILES_H
#define KVREPLAY_CAPTURE_FILES_H

#include <stddef.h>

struct capture_files {
    char **paths;
    size_t count;
    size_t passed_over; /* files in folders that are not named like a capture */
};

enum capture_files_result {
    CAPTURE_FILES_OK,
    CAPTURE_FILES_UNREADABLE, /* errno says why */
    CAPTURE_FILES_EMPTY,      /* a folder without a capture */
};

/*
 * Adds `path`: "-", a file whatever its name, or a folder, of which the files that are named
 * .pcap, .pcapng or .cap, or that and .gz or .zst, are taken (not those in folders within).
 */
enum capture_files_result capture_files_add(struct capture_files *files, const char *path);
void capture_files_deinit(struct capture_files *files);

#endif
