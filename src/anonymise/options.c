#include "anonymise/options.h"

enum { HEAD = 4, ANY_SIZE = UINT16_MAX, END_OF_OPTIONS = 0 };

static uint16_t read_u16(const struct option_list *list, uint64_t at)
{
    uint16_t number;
    memcpy(&number, list->file.data + at, sizeof(number));
    return list->swapped ? __builtin_bswap16(number) : number;
}

bool option_next(struct option_list *list, struct option *option)
{
    if (list->end - list->at < HEAD) {
        return false;
    }
    *option = (struct option){
        .code = read_u16(list, list->at),
        .head = list->at,
        .value = list->at + HEAD,
        .size = read_u16(list, list->at + 2),
    };
    uint64_t padded = ((uint64_t)option->size + 3) & ~UINT64_C(3);
    if (option->code == END_OF_OPTIONS || padded > list->end - option->value) {
        list->at += option->code == END_OF_OPTIONS ? HEAD : 0;
        return false;
    }
    list->at = option->value + padded;
    return true;
}

struct own_option {
    int64_t block;
    uint16_t code;
    uint16_t least; /* bytes of the value */
    uint16_t most;
    enum option_use use;
};

static const struct own_option OWN[] = {
    {PCAPNG_SECTION, 2, 0, ANY_SIZE, OPTION_OWN},          /* hardware */
    {PCAPNG_SECTION, 3, 0, ANY_SIZE, OPTION_OWN},          /* operating system */
    {PCAPNG_SECTION, 4, 0, ANY_SIZE, OPTION_OWN},          /* application */
    {PCAPNG_INTERFACE, 2, 0, ANY_SIZE, OPTION_OWN},        /* name */
    {PCAPNG_INTERFACE, 3, 0, ANY_SIZE, OPTION_OWN},        /* description */
    {PCAPNG_INTERFACE, 4, 8, 8, OPTION_OWN},               /* IPv4 address and mask */
    {PCAPNG_INTERFACE, 5, 17, 17, OPTION_OWN},             /* IPv6 address and prefix */
    {PCAPNG_INTERFACE, 6, 6, 6, OPTION_OWN},               /* MAC address */
    {PCAPNG_INTERFACE, 7, 8, 8, OPTION_OWN},               /* EUI address */
    {PCAPNG_INTERFACE, 8, 8, 8, OPTION_OWN},               /* speed */
    {PCAPNG_INTERFACE, 9, 1, 1, OPTION_OWN},               /* resolution of times */
    {PCAPNG_INTERFACE, 10, 4, 4, OPTION_OWN},              /* time zone */
    {PCAPNG_INTERFACE, 11, 1, ANY_SIZE, OPTION_OWN},       /* filter */
    {PCAPNG_INTERFACE, 12, 0, ANY_SIZE, OPTION_OWN},       /* operating system */
    {PCAPNG_INTERFACE, 13, 1, 1, OPTION_OWN},              /* length of the frame check sequence */
    {PCAPNG_INTERFACE, 14, 8, 8, OPTION_OWN},              /* offset of times */
    {PCAPNG_INTERFACE, 15, 0, ANY_SIZE, OPTION_OWN},       /* hardware */
    {PCAPNG_INTERFACE, 16, 8, 8, OPTION_OWN},              /* speed of sending */
    {PCAPNG_INTERFACE, 17, 8, 8, OPTION_OWN},              /* speed of receiving */
    {PCAPNG_INTERFACE, 18, 0, ANY_SIZE, OPTION_OWN},       /* name of the time zone */
    {PCAPNG_PACKET, 2, 4, 4, OPTION_OWN},                  /* flags */
    {PCAPNG_PACKET, 3, 1, ANY_SIZE, OPTION_HASH},          /* hash */
    {PCAPNG_NAMES, 2, 0, ANY_SIZE, OPTION_OWN},            /* name of the name server */
    {PCAPNG_NAMES, 3, 4, 4, OPTION_OWN},                   /* its IPv4 address */
    {PCAPNG_NAMES, 4, 16, 16, OPTION_OWN},                 /* its IPv6 address */
    {PCAPNG_NAME_RECORDS, 1, 4, ANY_SIZE, OPTION_OWN},     /* names of an IPv4 address */
    {PCAPNG_NAME_RECORDS, 2, 16, ANY_SIZE, OPTION_OWN},    /* ... of an IPv6 address */
    {PCAPNG_NAME_RECORDS, 3, 6, ANY_SIZE, OPTION_OWN},     /* ... of an EUI-48 */
    {PCAPNG_NAME_RECORDS, 4, 8, ANY_SIZE, OPTION_OWN},     /* ... of an EUI-64 */
    {PCAPNG_STATISTICS, 2, 8, 8, OPTION_OWN},              /* time of the beginning */
    {PCAPNG_STATISTICS, 3, 8, 8, OPTION_OWN},              /* time of the end */
    {PCAPNG_STATISTICS, 4, 8, 8, OPTION_OWN},              /* packets received */
    {PCAPNG_STATISTICS, 5, 8, 8, OPTION_OWN},              /* ... dropped by the interface */
    {PCAPNG_STATISTICS, 6, 8, 8, OPTION_OWN},              /* ... accepted by the filter */
    {PCAPNG_STATISTICS, 7, 8, 8, OPTION_OWN},              /* ... dropped by the system */
    {PCAPNG_STATISTICS, 8, 8, 8, OPTION_OWN},              /* ... delivered */
    {PCAPNG_ENHANCED_PACKET, 2, 4, 4, OPTION_OWN},         /* flags */
    {PCAPNG_ENHANCED_PACKET, 3, 1, ANY_SIZE, OPTION_HASH}, /* hash */
    {PCAPNG_ENHANCED_PACKET, 4, 8, 8, OPTION_OWN},         /* packets dropped before this one */
    {PCAPNG_ENHANCED_PACKET, 5, 8, 8, OPTION_OWN},         /* the packet's number */
    {PCAPNG_ENHANCED_PACKET, 6, 4, 4, OPTION_OWN},         /* queue */
    {PCAPNG_ENHANCED_PACKET, 7, 2, 9, OPTION_OWN},         /* verdict */
    {PCAPNG_ENHANCED_PACKET, 8, 8, 8, OPTION_OWN},         /* process and thread */
};

enum option_use option_use(int64_t block, const struct option *option)
{
    enum { COMMENT = 1 }; /* of any block, but not of an address */
    if (option->code == COMMENT && block != PCAPNG_NAME_RECORDS) {
        return OPTION_OWN;
    }
    for (size_t i = 0; i < sizeof(OWN) / sizeof(OWN[0]); i++) {
        const struct own_option *own = &OWN[i];
        if (own->block == block && own->code == option->code) {
            bool fits = option->size >= own->least && option->size <= own->most;
            return fits ? own->use : OPTION_UNKNOWN;
        }
    }
    return OPTION_UNKNOWN;
}
