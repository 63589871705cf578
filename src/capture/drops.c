#include "capture/drops.h"

enum {
    SECTION_HEADER = 0x0a0d0d0a, /* the same in either byte order */
    PACKET = 2,                  /* obsolete, with a count in a field of its own */
    STATISTICS = 5,
    ENHANCED_PACKET = 6,
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,

    OPTION_END = 0,
    EPB_DROPCOUNT = 4,
    ISB_IFDROP = 5,
    ISB_OSDROP = 7,

    BLOCK_HEAD = 12,  /* type, length, and the first word of the body, or of the last length */
    BLOCK_TAIL = 4,   /* the length again */
    PACKET_HEAD = 16, /* behind the interface: time, captured and original length */
    PACKET_CAPTURED = 8,
    STATISTICS_HEAD = 8,
    OPTION_HEAD = 4,
    COUNT_SIZE = 8,
    COUNT_UNKNOWN = 0xffff,
};

static uint32_t u32(const struct drops *self, size_t at)
{
    uint32_t number;
    memcpy(&number, self->bytes + at, sizeof(number));
    return self->swapped ? __builtin_bswap32(number) : number;
}

static uint16_t u16(const struct drops *self, size_t at)
{
    uint16_t number;
    memcpy(&number, self->bytes + at, sizeof(number));
    return self->swapped ? __builtin_bswap16(number) : number;
}

static uint64_t u64(const struct drops *self)
{
    uint64_t number;
    memcpy(&number, self->bytes, sizeof(number));
    return self->swapped ? __builtin_bswap64(number) : number;
}

static uint64_t drops_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t padded(uint32_t size)
{
    return ((uint64_t)size + 3) & ~UINT64_C(3);
}

static uint64_t of_section(const struct drops *self)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < DROPS_INTERFACES; i++) {
        const struct drops_interface *interface = &self->interfaces[i];
        uint64_t whole = drops_add(interface->by_interface, interface->by_system);
        sum = drops_add(sum, interface->between > whole ? interface->between : whole);
    }
    return sum;
}

uint64_t drops_total(const struct drops *self)
{
    return drops_add(self->earlier, of_section(self));
}

static void begin_section(struct drops *self)
{
    self->earlier = drops_total(self);
    memset(self->interfaces, 0, sizeof(self->interfaces));
    self->swapped = false;
    self->swapped = u32(self, 8) != BYTE_ORDER_MAGIC;
}

static void choose_interface(struct drops *self, uint32_t number)
{
    size_t last = DROPS_INTERFACES - 1;
    self->current = &self->interfaces[number < last ? number : last];
}

/* Skips `size` bytes of the block, and what is left of it if there is nothing more to look at. */
static void drops_go_on(struct drops *self, uint64_t size, enum drops_step step, size_t wanted)
{
    if (size > self->left || self->left - size < wanted) {
        self->skip = self->left + BLOCK_TAIL;
        self->step = DROPS_BLOCK;
        return;
    }
    self->skip = size;
    self->left -= size + wanted;
    self->step = step;
}

static void on_block(struct drops *self)
{
    self->block = u32(self, 0);
    if (self->block == SECTION_HEADER) {
        begin_section(self);
    }
    uint32_t length = u32(self, 4);
    if ((!self->begun && self->block != SECTION_HEADER) || length < BLOCK_HEAD || length % 4 != 0) {
        self->step = DROPS_OFF; /* not pcapng, or no block: what follows can't be told */
        return;
    }
    self->begun = true;
    if (length == BLOCK_HEAD) {
        return;
    }
    self->left = length - BLOCK_HEAD - BLOCK_TAIL;
    if (self->block == ENHANCED_PACKET) {
        choose_interface(self, u32(self, 8));
        drops_go_on(self, 0, DROPS_PACKET, PACKET_HEAD);
    } else if (self->block == STATISTICS) {
        choose_interface(self, u32(self, 8));
        drops_go_on(self, 0, DROPS_STATISTICS, STATISTICS_HEAD);
    } else {
        if (self->block == PACKET && u16(self, 10) != COUNT_UNKNOWN) {
            choose_interface(self, u16(self, 8));
            self->current->between = drops_add(self->current->between, u16(self, 10));
        }
        drops_go_on(self, self->left, DROPS_OPTION, OPTION_HEAD);
    }
}

static bool drops_is_count(const struct drops *self)
{
    if (self->block == ENHANCED_PACKET) {
        return self->option == EPB_DROPCOUNT;
    }
    return self->option == ISB_IFDROP || self->option == ISB_OSDROP;
}

static void on_option(struct drops *self)
{
    uint16_t size = u16(self, 2);
    self->option = u16(self, 0);
    if (self->option == OPTION_END) {
        drops_go_on(self, self->left, DROPS_OPTION, OPTION_HEAD);
    } else if (size == COUNT_SIZE && drops_is_count(self)) {
        drops_go_on(self, 0, DROPS_COUNT, COUNT_SIZE);
    } else {
        drops_go_on(self, padded(size), DROPS_OPTION, OPTION_HEAD);
    }
}

/* Statistics count from the beginning; those that come later count more. */
static void on_count(struct drops *self)
{
    struct drops_interface *interface = self->current;
    uint64_t count = u64(self);
    if (self->block == ENHANCED_PACKET) {
        interface->between = drops_add(interface->between, count);
        return;
    }
    uint64_t *sum = self->option == ISB_IFDROP ? &interface->by_interface : &interface->by_system;
    *sum = count > *sum ? count : *sum;
}

static void on_gathered(struct drops *self)
{
    switch (self->step) {
    case DROPS_BLOCK:
        on_block(self);
        break;
    case DROPS_PACKET:
        drops_go_on(self, padded(u32(self, PACKET_CAPTURED)), DROPS_OPTION, OPTION_HEAD);
        break;
    case DROPS_STATISTICS:
        drops_go_on(self, 0, DROPS_OPTION, OPTION_HEAD);
        break;
    case DROPS_OPTION:
        on_option(self);
        break;
    case DROPS_COUNT:
        on_count(self);
        drops_go_on(self, 0, DROPS_OPTION, OPTION_HEAD);
        break;
    case DROPS_OFF:
        break;
    }
}

static size_t drops_wanted(enum drops_step step)
{
    static const size_t sizes[] = {
        [DROPS_BLOCK] = BLOCK_HEAD,           [DROPS_PACKET] = PACKET_HEAD,
        [DROPS_STATISTICS] = STATISTICS_HEAD, [DROPS_OPTION] = OPTION_HEAD,
        [DROPS_COUNT] = COUNT_SIZE,
    };
    return sizes[step];
}

void drops_feed(struct drops *self, struct span bytes)
{
    while (bytes.size > 0 && self->step != DROPS_OFF) {
        uint64_t skipped = self->skip < bytes.size ? self->skip : bytes.size;
        self->skip -= skipped;
        bytes = span_skip(bytes, (size_t)skipped);
        size_t lacks = drops_wanted(self->step) - self->gathered;
        size_t taken = lacks < bytes.size ? lacks : bytes.size;
        if (taken > 0) {
            memcpy(self->bytes + self->gathered, bytes.data, taken);
        }
        self->gathered += taken;
        bytes = span_skip(bytes, taken);
        if (self->gathered == drops_wanted(self->step)) {
            self->gathered = 0;
            on_gathered(self);
        }
    }
}
