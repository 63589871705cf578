#include "mcbp/duration.h"

#include <math.h>

static const double DURATION_EXPONENT = 1.74;

uint32_t mcbp_duration_decode(uint16_t number)
{
    return (uint32_t)lround(pow(number, DURATION_EXPONENT) / 2);
}

uint16_t mcbp_duration_encode(uint64_t microseconds)
{
    uint64_t capped = microseconds < MCBP_DURATION_MAX ? microseconds : MCBP_DURATION_MAX;
    return (uint16_t)lround(pow(2 * (double)capped, 1 / DURATION_EXPONENT));
}
