/*
 * A capture file as a stream of plain bytes: gzip and zstd are recognised by their first bytes and
 * decompressed on the way, and what a pcapng file says of dropped packets is read as it goes by.
 * Memory does not grow with the file.
 */
#ifndef KVREPLAY_CAPTURE_STREAM_H
#define KVREPLAY_CAPTURE_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Takes over the descriptor `fd` and returns a stream of its decompressed bytes, which the caller
 * fclose()s, and with it the descriptor. ftello() tells the position in the decompressed bytes. On
 * failure returns NULL with errno set, and the descriptor is closed.
 *
 * *unpacker lives as long as the stream; it is NULL for a plain file that is not pcapng.
 */
struct unpacker;
FILE *stream_open(int fd, struct unpacker **unpacker);

/* The compressed file ended in the middle of its data. */
bool unpacker_is_truncated(const struct unpacker *unpacker);
/* What is wrong with the compressed data ("gzip: incorrect data check"), or NULL. */
const char *unpacker_error(const struct unpacker *unpacker);

/* Packets that the recorder dropped, by what pcapng says in the bytes read so far. */
uint64_t unpacker_dropped(const struct unpacker *unpacker);

#endif
