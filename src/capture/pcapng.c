#include "capture/pcapng.h"

#include <errno.h>

/* Block types and option codes by their names in the specification, sections 4 and 3.5. */
enum block_type {
    SECTION_HEADER = 0x0a0d0d0a,
    INTERFACE_DESCRIPTION = 1,
    INTERFACE_STATISTICS = 5,
    ENHANCED_PACKET = 6,
};
enum option_code {
    OPT_ENDOFOPT = 0,
    SHB_USERAPPL = 4,
    IF_NAME = 2,
    IF_DESCRIPTION = 3,
    IF_TSRESOL = 9,
    IF_FILTER = 11,
    ISB_IFRECV = 4,
    ISB_IFDROP = 5,
};

enum {
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    VERSION_MAJOR = 1, /* and minor 0 */
    NANOSECONDS = 9,   /* if_tsresol: negative powers of ten */
    BLOCK_AROUND = 12, /* a block's type and its length, twice */
    BLOCK_MAX = 2048,  /* of ours without packets */
    TEXT_MAX = 400,    /* longer texts are cut */
};

static bool put(struct pcapng *pcapng, const void *bytes, size_t size)
{
    if (pcapng->error == 0 && size > 0 && fwrite(bytes, 1, size, pcapng->file) != size) {
        pcapng->error = errno != 0 ? errno : EIO;
    }
    pcapng->written += size;
    return pcapng->error == 0;
}

static size_t padding(size_t size)
{
    return -size & 3;
}

/* ------------------------------------------------------------------------ blocks without packets
 */

struct block {
    size_t size;
    uint8_t bytes[BLOCK_MAX];
};

static void pcapng_add(struct block *block, const void *bytes, size_t size)
{
    assert(size + padding(size) <= BLOCK_MAX - block->size);
    memcpy(block->bytes + block->size, bytes, size);
    memset(block->bytes + block->size + size, 0, padding(size));
    block->size += size + padding(size);
}

static void add_option(struct block *block, enum option_code code, const void *value, size_t size)
{
    uint16_t head[2] = {(uint16_t)code, (uint16_t)size};
    pcapng_add(block, head, sizeof(head));
    pcapng_add(block, value, size);
}

static void add_text(struct block *block, enum option_code code, const char *text)
{
    if (text != NULL) {
        add_option(block, code, text, strnlen(text, TEXT_MAX));
    }
}

static bool put_block(struct pcapng *pcapng, enum block_type type, struct block *block)
{
    add_option(block, OPT_ENDOFOPT, "", 0);
    uint32_t size = (uint32_t)block->size + BLOCK_AROUND;
    uint32_t head[2] = {type, size};
    put(pcapng, head, sizeof(head));
    put(pcapng, block->bytes, block->size);
    return put(pcapng, &size, sizeof(size));
}

bool pcapng_begin(struct pcapng *pcapng, FILE *file, const struct pcapng_interface *interface)
{
    const struct {
        uint32_t magic;
        uint16_t version[2];
        int64_t section_size;
    } section = {BYTE_ORDER_MAGIC, {VERSION_MAJOR, 0}, -1}; /* -1: up to the end of the file */
    const struct {
        uint16_t link_type, reserved;
        uint32_t snap_length;
    } description = {interface->link_type, 0, interface->snap_length};
    const uint8_t resolution = NANOSECONDS;
    struct block block = {0};
    *pcapng = (struct pcapng){.file = file};
    pcapng_add(&block, &section, sizeof(section));
    add_text(&block, SHB_USERAPPL, interface->application);
    put_block(pcapng, SECTION_HEADER, &block);
    block.size = 0;
    pcapng_add(&block, &description, sizeof(description));
    add_text(&block, IF_NAME, interface->name);
    add_text(&block, IF_DESCRIPTION, interface->description);
    add_option(&block, IF_TSRESOL, &resolution, sizeof(resolution));
    if (interface->filter != NULL) {
        char filter[TEXT_MAX]; /* 0 before it: it is text, not byte code */
        snprintf(filter + 1, sizeof(filter) - 1, "%s", interface->filter);
        filter[0] = 0;
        add_option(&block, IF_FILTER, filter, 1 + strlen(filter + 1));
    }
    return put_block(pcapng, INTERFACE_DESCRIPTION, &block);
}

bool pcapng_write_statistics(struct pcapng *pcapng, int64_t time, uint64_t received,
                             uint64_t dropped)
{
    const uint32_t head[3] = {0, (uint32_t)((uint64_t)time >> 32), (uint32_t)time};
    struct block block = {0};
    pcapng_add(&block, head, sizeof(head));
    add_option(&block, ISB_IFRECV, &received, sizeof(received));
    add_option(&block, ISB_IFDROP, &dropped, sizeof(dropped));
    return put_block(pcapng, INTERFACE_STATISTICS, &block);
}

/* ------------------------------------------------------------------------ packets */

bool pcapng_write(struct pcapng *pcapng, int64_t time, uint32_t length, const struct span *parts,
                  size_t count)
{
    static const uint8_t zeros[3];
    size_t captured = 0;
    for (size_t i = 0; i < count; i++) {
        captured += parts[i].size;
    }
    if (captured > length || length > PCAPNG_PACKET_MAX) {
        pcapng->error = EMSGSIZE;
        return false;
    }
    uint32_t head[7] = {
        ENHANCED_PACKET,    0,     0, (uint32_t)((uint64_t)time >> 32), (uint32_t)time,
        (uint32_t)captured, length};
    uint32_t size = (uint32_t)(sizeof(head) + captured + padding(captured) + sizeof(size));
    head[1] = size;
    put(pcapng, head, sizeof(head));
    for (size_t i = 0; i < count; i++) {
        put(pcapng, parts[i].data, parts[i].size);
    }
    put(pcapng, zeros, padding(captured));
    return put(pcapng, &size, sizeof(size));
}

bool pcapng_flush(struct pcapng *pcapng)
{
    if (pcapng->error == 0 && fflush(pcapng->file) != 0) {
        pcapng->error = errno != 0 ? errno : EIO;
    }
    return pcapng->error == 0;
}
