#include "capture/capture.h"

#include "base/memory.h"
#include "capture/filter.h"
#include "capture/link_type.h"
#include "capture/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct capture {
    char *path;
    pcap_t *pcap;
    FILE *file; /* pcap's, closed with it */
    int fd;     /* file's, for the position on disk */
    struct unpacker *unpacker;
    enum net_link link;
    uint64_t packets;
    uint64_t total;
    uint64_t lost;
    char message[CAPTURE_MESSAGE_SIZE];
};

enum {
    PCAP_VERSION = 0x00040002, /* 2.4, behind the magic */
    PCAPNG_ORDER = 0x1a2b3c4d, /* in the header of a section */
};

_Static_assert((int)FILTER_PROBLEM_SIZE <= (int)CAPTURE_MESSAGE_SIZE,
               "a filter's problem is a message");

static int capture_open_path(const char *path, uint64_t *total)
{
    /* A FIFO is waited for when it is read, where that can be interrupted. */
    int fd =
        strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            close(fd);
            errno = EISDIR;
            return -1;
        }
        *total = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    }
    return fd;
}

/* Opens pcap over the stream; on failure the stream is closed and `message` says why. */
static bool open_pcap(struct capture *self, char *message)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    errno = 0;
    self->pcap =
        pcap_fopen_offline_with_tstamp_precision(self->file, PCAP_TSTAMP_PRECISION_NANO, error);
    if (self->pcap == NULL) {
        memory_note_errno();
        const char *decompressing = self->unpacker != NULL ? unpacker_error(self->unpacker) : NULL;
        char place[32] = "";
        long long byte = (long long)ftello(self->file);
        if (byte >= 0) { /* devices have no places */
            snprintf(place, sizeof(place), "byte %lld: ", byte);
        }
        snprintf(message, CAPTURE_MESSAGE_SIZE, "%s: %snot a capture that can be read: %s",
                 self->path, place, decompressing != NULL ? decompressing : error);
        fclose(self->file);
        return false;
    }
    int datalink = pcap_datalink(self->pcap);
    const struct link_type *type = link_type_of(datalink);
    if (type == NULL) {
        const char *name = pcap_datalink_val_to_name(datalink);
        snprintf(message, CAPTURE_MESSAGE_SIZE,
                 "%s: byte 20: link type %d (%s) is not one that kvreplay decodes", self->path,
                 datalink, name != NULL ? name : "unnamed");
        return false;
    }
    self->link = type->link;
    return true;
}

static bool begin_reading(struct capture *self, char *message)
{
    /* libpcap calls fread twice for each packet; nobody else uses the stream meanwhile. */
    __fsetlocking(self->file, FSETLOCKING_BYCALLER);
    return open_pcap(self, message);
}

enum capture_open_result capture_open(const char *path, const struct capture_options *options,
                                      struct capture **capture, char message[CAPTURE_MESSAGE_SIZE])
{
    struct capture *self = calloc(1, sizeof(*self));
    if (self == NULL || (self->path = strdup(path)) == NULL) {
        snprintf(message, CAPTURE_MESSAGE_SIZE, "%s: %s", path, strerror(ENOMEM));
        free(self);
        return CAPTURE_UNREADABLE;
    }
    enum capture_open_result result = CAPTURE_UNREADABLE;
    self->fd = capture_open_path(path, &self->total);
    self->file = self->fd < 0 ? NULL : stream_open(self->fd, &self->unpacker);
    if (self->file == NULL) {
        memory_note_errno();
        snprintf(message, CAPTURE_MESSAGE_SIZE, "%s: %s", path, strerror(errno));
    } else if (begin_reading(self, message)) {
        bool filtered = options->filter == NULL || filter_set(self->pcap, options->filter, message);
        result = filtered ? CAPTURE_OPEN : CAPTURE_BAD_FILTER;
    }
    if (result != CAPTURE_OPEN) {
        capture_close(self);
        self = NULL;
    }
    *capture = self;
    return result;
}

void capture_close(struct capture *self)
{
    if (self->pcap != NULL) {
        pcap_close(self->pcap);
    }
    free(self->path);
    free(self);
}

static void set_message(struct capture *self, const char *what)
{
    snprintf(self->message, sizeof(self->message), "%s: byte %lld, after packet %llu: %s",
             self->path, (long long)ftello(self->file), (unsigned long long)self->packets, what);
}

/* The file ended. libpcap says by how many bytes too early only in its message. */
static enum capture_next ended_early(struct capture *self, const char *message)
{
    unsigned long long wanted = 0;
    unsigned long long got = 0;
    const char *numbers = strstr(message, "tried to read ");
    if (numbers != NULL) {
        if (sscanf(numbers, "tried to read %llu %*[a-z ], only got %llu", &wanted, &got) != 2) {
            sscanf(numbers, "tried to read %llu bytes, only got %llu", &wanted, &got);
        }
    }
    self->lost = wanted > got ? wanted - got : 1;
    set_message(self, message);
    return CAPTURE_TRUNCATED;
}

/* What follows is not read as packets: times and link type may be others. */
static const char another_capture[] =
    "another capture follows; mergecap -w BOTH FILE... makes one of several";

/* Where the header of a packet, or a block, should be: the number that libpcap takes for a length,
 * where one kind of capture stands behind the other (cat a.pcap b.pcapng). */
static bool is_start_of_capture(const char *message)
{
    uint32_t length = 0;
    return (sscanf(message, "invalid packet capture length %" SCNu32, &length) == 1 &&
            (length == PCAPNG_ORDER || length == __builtin_bswap32(PCAPNG_ORDER))) ||
           (sscanf(message, "block in pcapng dump file has a length of %" SCNu32, &length) == 1 &&
            length == PCAP_VERSION);
}

static enum capture_next ended(struct capture *self, int result)
{
    bool cut = self->unpacker != NULL && unpacker_is_truncated(self->unpacker);
    const char *message = pcap_geterr(self->pcap);
    if (self->unpacker != NULL && unpacker_error(self->unpacker) != NULL) {
        set_message(self, unpacker_error(self->unpacker));
        return CAPTURE_DAMAGED;
    }
    if (result != PCAP_ERROR_BREAK && strncmp(message, "truncated", 9) == 0) {
        return ended_early(self, message);
    }
    if (cut) {
        return ended_early(self, "the compressed file ends in the middle");
    }
    if (result == PCAP_ERROR_BREAK) {
        return CAPTURE_END;
    }
    set_message(self, is_start_of_capture(message) ? another_capture : message);
    return CAPTURE_DAMAGED;
}

/* The header of a pcap file, taken for a packet's: it has a magic where that has its time, and
 * zeros where that has its lengths. */
static bool is_file_header(const struct pcap_pkthdr *header)
{
    static const uint32_t magics[] = {0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1};
    bool is_magic = false;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        is_magic |= (uint32_t)header->ts.tv_sec == magics[i];
    }
    return is_magic && header->caplen == 0 && header->len == 0;
}

/* pcapng has room for times that nanoseconds in 64 bits don't; they become 1970 and 2262. */
static int64_t nanoseconds_of(const struct timeval *time)
{
    const int64_t last = INT64_MAX / 1000000000 - 1;
    int64_t seconds = time->tv_sec;
    seconds = seconds < 0 ? 0 : seconds > last ? last : seconds;
    return seconds * 1000000000 + time->tv_usec;
}

enum capture_next capture_next(struct capture *self, struct net_packet *packet)
{
    struct pcap_pkthdr *header;
    const unsigned char *bytes;
    errno = 0;
    int result = pcap_next_ex(self->pcap, &header, &bytes);
    if (result != 1) {
        memory_note_errno(); /* libpcap enlarges its buffer for a large packet */
        return ended(self, result);
    }
    if (is_file_header(header)) {
        set_message(self, another_capture);
        return CAPTURE_DAMAGED;
    }
    packet->number = ++self->packets;
    packet->time = nanoseconds_of(&header->ts);
    packet->link = self->link;
    packet->bytes = span_of(bytes, header->caplen);
    packet->length = header->len < header->caplen ? header->caplen : header->len;
    return CAPTURE_PACKET;
}

const char *capture_message(const struct capture *self)
{
    return self->message;
}

uint64_t capture_lost(const struct capture *self)
{
    return self->lost;
}

uint64_t capture_dropped(const struct capture *self)
{
    return self->unpacker != NULL ? unpacker_dropped(self->unpacker) : 0;
}

uint64_t capture_bytes_read(const struct capture *self)
{
    off_t position = lseek(self->fd, 0, SEEK_CUR);
    return position < 0 ? 0 : (uint64_t)position;
}

uint64_t capture_bytes_total(const struct capture *self)
{
    return self->total;
}

const char *capture_library_version(void)
{
    return pcap_lib_version();
}
