#include "mcbp/feature.h"

#include "base/endian.h"

#include <stdio.h>
#include <strings.h>

enum { SET_BITS = 64 };

#define FEATURE_ROW(name, number) [number] = #name,
static const char *const features[] = {MCBP_FEATURES(FEATURE_ROW)};
#undef FEATURE_ROW

enum { FEATURES_COUNT = sizeof(features) / sizeof(features[0]) };
_Static_assert(sizeof(features) / sizeof(features[0]) <= 64, "a set has a bit for each feature");

const char *mcbp_feature_text(uint16_t feature, char text[MCBP_FEATURE_TEXT_SIZE])
{
    if (feature < FEATURES_COUNT && features[feature] != NULL) {
        return features[feature];
    }
    snprintf(text, MCBP_FEATURE_TEXT_SIZE, "0x%04x", feature);
    return text;
}

bool mcbp_feature_find(const char *name, uint16_t *feature)
{
    for (uint16_t number = 0; number < FEATURES_COUNT; number++) {
        if (features[number] != NULL && strcasecmp(features[number], name) == 0) {
            *feature = number;
            return true;
        }
    }
    return false;
}

bool mcbp_feature_next(struct span *list, uint16_t *feature)
{
    if (list->size < sizeof(*feature)) {
        return false;
    }
    *feature = read_be16(list->data);
    *list = span_skip(*list, sizeof(*feature));
    return true;
}

mcbp_feature_set mcbp_feature_set_of(struct span list)
{
    mcbp_feature_set set = 0;
    uint16_t feature;
    while (mcbp_feature_next(&list, &feature)) {
        set |= feature < SET_BITS ? UINT64_C(1) << feature : 0;
    }
    return set;
}
