#include "replay/delayed.h"

bool delayed_may_have_taken(const struct engine_flush *flush, const struct engine_item *item)
{
    return flush->delayed != 0 && item->knowledge == ENGINE_PRESENT &&
           (item->came_back || item->stored == flush->delayed + 1 ||
            item->stored <= flush->called_off);
}

bool delayed_may_have_taken_by_second(const struct engine_flush *flush,
                                      const struct engine_item *item)
{
    int64_t flushed = flush->live + 1;
    return flush->live != 0 && flush->delayed == 0 && item->knowledge == ENGINE_PRESENT &&
           item->stored >= flushed && item->stored <= flushed + 1;
}

/* What there was when it took effect at once is gone: this was stored behind it. */
bool delayed_may_have_left(const struct engine_flush *flush, const struct engine_item *item,
                           int64_t now)
{
    bool late = item->stored == flush->delayed && now > flush->delayed;
    return flush->delayed != 0 && item->knowledge == ENGINE_PRESENT &&
           (late || (flush->at_once && item->stored <= flush->delayed));
}

bool delayed_leaves_open(const struct engine_flush *flush, const struct engine_item *item)
{
    return flush->delayed != 0 && item->knowledge == ENGINE_PRESENT &&
           item->stored <= flush->delayed + 1;
}

void delayed_spare(const struct engine_flush *flush, struct engine_item *item)
{
    if (item->stored <= flush->called_off) {
        item->stored = flush->called_off + 1;
    } else if (!item->came_back) {
        item->stored = flush->delayed + 2;
    }
    item->came_back = false;
}
