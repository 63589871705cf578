#include "anonymise/traffic.h"

/* The next part of the file that is a packet, or ends it; those before it are delivered. */
static struct container_part next_packet(struct traffic *self)
{
    struct container_part part;
    while ((part = container_next(&self->container)).kind == CONTAINER_AROUND ||
           part.kind == CONTAINER_OPAQUE) {
        if (self->part != NULL) {
            self->part(self->context, &part);
        }
    }
    return part;
}

bool traffic_find(struct traffic *self, const struct dissect_packet *read,
                  struct traffic_packet *packet)
{
    struct span bytes = read->packet->bytes;
    if (self->disagrees) {
        return false;
    }
    packet->read = read;
    packet->part = next_packet(self);
    const struct container_part *part = &packet->part;
    if (part->kind != CONTAINER_PACKET || bytes.size > part->data_size ||
        memcmp(self->container.file.data + part->data_at, bytes.data, bytes.size) != 0) {
        self->disagrees = true;
        return false;
    }
    layout_find(read->packet, &packet->layout);
    return true;
}

bool traffic_is_over(struct traffic *self)
{
    return !self->disagrees && next_packet(self).kind == CONTAINER_END;
}
