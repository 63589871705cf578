#include "capture/stream.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "capture/drops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { INPUT_SIZE = 64 * 1024, MAGIC_SIZE = 4 };
enum packing { PLAIN, GZIP, ZSTD, NOT_SUPPORTED };
enum step { STEP_MORE, STEP_FRAME_END, STEP_BAD };

struct unpacker {
    int fd;
    enum packing packing;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool in_frame; /* compressed data has begun and not ended */
    bool truncated;
    const char *error;
    char error_text[128];
    off_t position; /* decompressed bytes handed out */
    struct drops drops;
    size_t begin; /* input[begin..end) is not decompressed yet */
    size_t end;
    unsigned char input[INPUT_SIZE];
};

/* As read(2), and -1 with EINTR once the program is interrupted, also while it waits. */
static ssize_t read_some(int fd, void *out, size_t size)
{
    ssize_t got;
    do {
        if (!interrupt_wait_readable(fd)) {
            errno = EINTR;
            return -1;
        }
        got = read(fd, out, size);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    return got;
}

static ssize_t read_fully(int fd, unsigned char *out, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = read_some(fd, out + got, size - got);
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* The name of a compressed format that is recognised, but not read. */
static const char *unsupported_name(const unsigned char *bytes, size_t size)
{
    static const struct {
        const char *name;
        unsigned char magic[MAGIC_SIZE];
        size_t size;
    } formats[] = {
        {"xz", {0xfd, '7', 'z', 'X'}, 4},     {"bzip2", {'B', 'Z', 'h'}, 3},
        {"lz4", {0x04, 0x22, 0x4d, 0x18}, 4}, {"zip", {'P', 'K', 0x03, 0x04}, 4},
        {"7z", {'7', 'z', 0xbc, 0xaf}, 4},    {"compress", {0x1f, 0x9d}, 2},
    };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (size >= formats[i].size && memcmp(bytes, formats[i].magic, formats[i].size) == 0) {
            return formats[i].name;
        }
    }
    return NULL;
}

static enum packing packing_of(const unsigned char *bytes, size_t size)
{
    if (size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b) {
        return GZIP;
    }
    if (size >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0) {
        return ZSTD;
    }
    return unsupported_name(bytes, size) != NULL ? NOT_SUPPORTED : PLAIN;
}

/* Each step decompresses some of the input to `out` and says how much of both it took. */
static enum step step_gzip(struct unpacker *self, char *out, size_t room, size_t *produced)
{
    self->gzip.next_in = self->input + self->begin;
    self->gzip.avail_in = (uInt)(self->end - self->begin);
    self->gzip.next_out = (unsigned char *)out;
    self->gzip.avail_out = (uInt)room;
    int result = inflate(&self->gzip, Z_NO_FLUSH);
    self->begin = self->end - self->gzip.avail_in;
    *produced = room - self->gzip.avail_out;
    if (result == Z_STREAM_END) {
        inflateReset(&self->gzip); /* another member may follow */
        return STEP_FRAME_END;
    }
    if (result != Z_OK && result != Z_BUF_ERROR) {
        snprintf(self->error_text, sizeof(self->error_text), "gzip: %s",
                 self->gzip.msg != NULL ? self->gzip.msg : zError(result));
        return STEP_BAD;
    }
    return STEP_MORE;
}

static enum step step_zstd(struct unpacker *self, char *out, size_t room, size_t *produced)
{
    ZSTD_inBuffer input = {.src = self->input + self->begin, .size = self->end - self->begin};
    ZSTD_outBuffer output = {.dst = out, .size = room};
    size_t result = ZSTD_decompressStream(self->zstd, &output, &input);
    self->begin += input.pos;
    *produced = output.pos;
    if (ZSTD_isError(result)) {
        snprintf(self->error_text, sizeof(self->error_text), "zstd: %s", ZSTD_getErrorName(result));
        return STEP_BAD;
    }
    return result == 0 ? STEP_FRAME_END : STEP_MORE;
}

static ssize_t stream_unpack(struct unpacker *self, char *out, size_t room)
{
    for (;;) {
        if (self->begin == self->end) {
            ssize_t got = read_fully(self->fd, self->input, sizeof(self->input));
            if (got < 0) {
                return -1;
            }
            self->begin = 0;
            self->end = (size_t)got;
        }
        bool at_end = self->begin == self->end;
        if (at_end && !self->in_frame) {
            return 0;
        }
        size_t before = self->begin;
        size_t produced = 0;
        errno = 0;
        enum step step = self->packing == GZIP ? step_gzip(self, out, room, &produced)
                                               : step_zstd(self, out, room, &produced);
        if (step == STEP_BAD) {
            memory_note_errno();
            self->error = self->error_text;
        }
        self->in_frame = step == STEP_MORE;
        if (produced > 0) { /* also of what turned out to be damaged behind them */
            return (ssize_t)produced;
        }
        if (step == STEP_BAD) {
            errno = EIO;
            return -1;
        }
        if (at_end || (self->begin == before && step == STEP_MORE)) {
            self->truncated = true;
            return 0;
        }
    }
}

static ssize_t cookie_read(void *cookie, char *out, size_t room)
{
    struct unpacker *self = cookie;
    ssize_t got;
    if (self->error != NULL) {
        errno = EIO;
        got = -1;
    } else if (self->packing != PLAIN) {
        got = self->truncated ? 0 : stream_unpack(self, out, room);
    } else if (self->begin < self->end) { /* the first bytes, read to look at them */
        size_t size = self->end - self->begin < room ? self->end - self->begin : room;
        memcpy(out, self->input + self->begin, size);
        self->begin += size;
        got = (ssize_t)size;
    } else {
        got = read_some(self->fd, out, room);
    }
    if (got > 0) {
        self->position += got;
        drops_feed(&self->drops, span_of(out, (size_t)got));
    }
    return got;
}

/* Only tells the position: that is all ftello() asks for. */
static int cookie_seek(void *cookie, off64_t *offset, int whence)
{
    struct unpacker *self = cookie;
    if (whence != SEEK_CUR || *offset != 0) {
        errno = ESPIPE;
        return -1;
    }
    *offset = self->position;
    return 0;
}

static int cookie_close(void *cookie)
{
    struct unpacker *self = cookie;
    if (self->packing == GZIP) {
        inflateEnd(&self->gzip);
    }
    ZSTD_freeDStream(self->zstd);
    int result = close(self->fd);
    free(self);
    return result;
}

static bool begin_unpacking(struct unpacker *self)
{
    enum { GZIP_WINDOW = 15 + 16 }; /* zlib.h: 15 bits of window, 16 more for the gzip format */
    if (self->packing == NOT_SUPPORTED) {
        snprintf(self->error_text, sizeof(self->error_text),
                 "it is compressed with %s: decompress it first",
                 unsupported_name(self->input, self->end));
        self->error = self->error_text;
        return true;
    }
    self->in_frame = self->packing != PLAIN;
    if (self->packing == GZIP) {
        return inflateInit2(&self->gzip, GZIP_WINDOW) == Z_OK;
    }
    if (self->packing == ZSTD) {
        self->zstd = ZSTD_createDStream();
        return self->zstd != NULL;
    }
    return true;
}

/* For what is compressed, can't be gone back in, or has counts of dropped packets. `first` are the
 * bytes that were read already. */
static FILE *open_unpacker(int fd, enum packing packing, const unsigned char *first, size_t size,
                           struct unpacker **unpacker)
{
    struct unpacker *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        close(fd);
        return NULL;
    }
    self->fd = fd;
    self->packing = packing;
    self->end = size;
    memcpy(self->input, first, size < MAGIC_SIZE ? size : MAGIC_SIZE); /* gcc 14 sees no limit */
    if (!begin_unpacking(self)) {
        close(fd);
        free(self);
        errno = ENOMEM;
        memory_note_failure();
        return NULL;
    }
    cookie_io_functions_t functions = {
        .read = cookie_read, .seek = cookie_seek, .close = cookie_close};
    FILE *file = fopencookie(self, "rb", functions);
    if (file == NULL) {
        cookie_close(self);
        return NULL;
    }
    *unpacker = self;
    return file;
}

FILE *stream_open(int fd, struct unpacker **unpacker)
{
    unsigned char first[MAGIC_SIZE];
    ssize_t got = read_fully(fd, first, sizeof(first));
    *unpacker = NULL;
    if (got < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return NULL;
    }
    enum packing packing = packing_of(first, (size_t)got);
    bool pcapng = got == sizeof(first) && memcmp(first, "\n\r\r\n", sizeof(first)) == 0;
    if (packing == PLAIN && !pcapng && lseek(fd, 0, SEEK_SET) == 0) {
        return fdopen(fd, "rb"); /* such a file needs nothing of ours between it and libpcap */
    }
    return open_unpacker(fd, packing, first, (size_t)got, unpacker);
}

bool unpacker_is_truncated(const struct unpacker *unpacker)
{
    return unpacker->truncated;
}

const char *unpacker_error(const struct unpacker *unpacker)
{
    return unpacker->error;
}

uint64_t unpacker_dropped(const struct unpacker *unpacker)
{
    return drops_total(&unpacker->drops);
}
