/* Does nothing with its input: what fuzz/speed compares the others with. */
#include "target.h"

void fuzz_begin(void)
{
}

void fuzz_target(const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
}
