#include "anonymise/container.h"

#include "base/endian.h"

/* The pcap file format, and pcapng: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. */
enum {
    PCAP_MICROSECONDS = 0xa1b2c3d4,
    PCAP_NANOSECONDS = 0xa1b23c4d,
    PCAP_KUZNETZOV = 0xa1b2cd34, /* with 8 bytes more before each packet */
    PCAP_RECORD = 16,
    PCAP_RECORD_KUZNETZOV = 24,

    BLOCK_FRAME = 12,     /* type and length before the body, length behind it */
    BLOCK_BODY = 8,       /* where the body begins */
    PACKET_FIXED = 20,    /* of the body of a packet block, enhanced or not */
    PACKET_CAPTURED = 12, /* the captured length in it */
    SIMPLE_PACKET_FIXED = 4,
    SECTION_FIXED = 16, /* byte order, version, length */
    INTERFACE_FIXED = 8,
    STATISTICS_FIXED = 12,
    SECTION_ORDER = 0x1a2b3c4d,
    BLOCK_LENGTH = 4,
};

static uint32_t read_u32(const struct container *self, uint64_t at)
{
    uint32_t number;
    memcpy(&number, self->file.data + at, sizeof(number));
    return self->swapped ? __builtin_bswap32(number) : number;
}

static uint32_t record_header(uint32_t magic)
{
    switch (magic) {
    case PCAP_MICROSECONDS:
    case PCAP_NANOSECONDS:
        return PCAP_RECORD;
    case PCAP_KUZNETZOV:
        return PCAP_RECORD_KUZNETZOV;
    default:
        return 0;
    }
}

bool container_init(struct container *self, struct span file)
{
    *self = (struct container){.file = file};
    if (file.size < CONTAINER_HEAD) {
        return false;
    }
    uint32_t magic = read_u32(self, 0);
    self->blocks = magic == PCAPNG_SECTION;
    self->record_header = record_header(magic);
    if (self->record_header == 0) {
        self->swapped = true;
        self->record_header = record_header(__builtin_bswap32(magic));
    }
    return self->blocks || self->record_header != 0;
}

static uint64_t left(const struct container *self)
{
    return self->file.size - self->at;
}

static struct container_part next_record(const struct container *self)
{
    struct container_part part = {.kind = CONTAINER_BAD, .at = self->at};
    if (self->at == 0) {
        part.kind = CONTAINER_AROUND;
        part.size = CONTAINER_HEAD;
    } else if (left(self) >= self->record_header) {
        uint32_t captured = read_u32(self, self->at + 8);
        if (captured <= left(self) - self->record_header) {
            part.kind = CONTAINER_PACKET;
            part.data_at = self->at + self->record_header;
            part.data_size = captured;
            part.size = self->record_header + (uint64_t)captured;
        }
    }
    return part;
}

static void find_packet(const struct container *self, uint32_t type, struct container_part *part)
{
    uint64_t body = part->at + BLOCK_BODY;
    uint64_t size = part->size - BLOCK_FRAME;
    if (type == PCAPNG_SIMPLE_PACKET && size >= SIMPLE_PACKET_FIXED) {
        part->kind = CONTAINER_PACKET;
        part->data_at = body + SIMPLE_PACKET_FIXED;
        part->data_size = size - SIMPLE_PACKET_FIXED; /* libpcap says how much of it is padding */
    } else if (type != PCAPNG_SIMPLE_PACKET && size >= PACKET_FIXED &&
               read_u32(self, body + PACKET_CAPTURED) <= size - PACKET_FIXED) {
        uint64_t end = body + size;
        part->kind = CONTAINER_PACKET;
        part->data_at = body + PACKET_FIXED;
        part->data_size = read_u32(self, body + PACKET_CAPTURED);
        uint64_t options = part->data_at + ((part->data_size + 3) & ~UINT64_C(3));
        part->options_at = part->names_at = options < end ? options : end;
    }
}

/* A block without a packet: where what is fixed of it ends. */
static void find_fixed(const struct container *self, uint32_t type, struct container_part *part)
{
    uint64_t body = part->at + BLOCK_BODY;
    uint64_t fixed = type == PCAPNG_SECTION      ? SECTION_FIXED
                     : type == PCAPNG_INTERFACE  ? INTERFACE_FIXED
                     : type == PCAPNG_STATISTICS ? STATISTICS_FIXED
                                                 : 0;
    part->kind = CONTAINER_AROUND;
    part->options_at = fixed < part->options_end - body ? body + fixed : part->options_end;
    part->names_at = part->options_at;
    if (type == PCAPNG_NAMES) {
        struct option_list names = {self->file, body, part->options_end, self->swapped};
        struct option name;
        while (option_next(&names, &name)) {
        }
        part->options_at = names.at;
    }
}

static struct container_part next_block(struct container *self)
{
    struct container_part part = {.kind = CONTAINER_BAD, .at = self->at};
    if (left(self) < BLOCK_FRAME) {
        return part;
    }
    uint32_t type = read_u32(self, self->at);
    if (type == PCAPNG_SECTION) {
        self->swapped = false;
        self->swapped = read_u32(self, self->at + BLOCK_BODY) != SECTION_ORDER;
    }
    uint32_t size = read_u32(self, self->at + 4);
    if (size < BLOCK_FRAME || size % 4 != 0 || size > left(self)) {
        return part;
    }
    part.size = size;
    part.block = type;
    part.swapped = self->swapped;
    part.length_size = BLOCK_LENGTH;
    part.names_at = part.options_at = part.options_end = part.at + size - BLOCK_LENGTH;
    switch (type) {
    case PCAPNG_SECTION:
    case PCAPNG_INTERFACE:
    case PCAPNG_NAMES:
    case PCAPNG_STATISTICS:
        find_fixed(self, type, &part);
        break;
    case PCAPNG_PACKET:
    case PCAPNG_SIMPLE_PACKET:
    case PCAPNG_ENHANCED_PACKET:
        find_packet(self, type, &part);
        break;
    default:
        part.kind = CONTAINER_OPAQUE;
        part.data_at = part.at + BLOCK_BODY;
        part.data_size = size - BLOCK_FRAME;
        break;
    }
    return part;
}

struct container_part container_next(struct container *self)
{
    if (left(self) == 0) {
        return (struct container_part){.kind = CONTAINER_END, .at = self->at};
    }
    struct container_part part = self->blocks ? next_block(self) : next_record(self);
    self->at += part.size;
    return part;
}
