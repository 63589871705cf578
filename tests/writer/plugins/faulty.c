/* One of the faulty writers as a plug-in; FAULT is its name. */
#include "faulty_writers.h"

#define WRITER_OF(name) faulty_##name
#define WRITER(name)    WRITER_OF(name)

extern const struct kvr_writer_type WRITER(FAULT);

const struct kvr_plugin kvr_plugin_v1 = KVR_PLUGIN(&WRITER(FAULT));
