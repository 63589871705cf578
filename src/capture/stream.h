/*
 * A capture file as a stream of plain bytes: gzip and zstd are recognised by their first bytes and
 * unpacked on the way. Memory does not grow with the file.
 */
#ifndef KVREPLAY_CAPTURE_STREAM_H
#define KVREPLAY_CAPTURE_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Takes over the descriptor `fd` and returns a stream of its unpacked bytes, which the caller
 * fclose()s, and with it the descriptor. ftello() tells the position in the unpacked bytes. On
 * failure returns NULL with errno set, and the descriptor is closed.
 *
 * Of a packed file *unpacker is set, and NULL of a plain one; it lives as long as the stream.
 */
struct unpacker;
FILE *stream_open(int fd, struct unpacker **unpacker);

/* The packed file ended in the middle of its packed data. */
bool unpacker_is_truncated(const struct unpacker *unpacker);
/* What is wrong with the packed data ("gzip: incorrect data check"), or NULL. */
const char *unpacker_error(const struct unpacker *unpacker);

#endif
