#include "kvresponse/kvresponse.h"

static const char *const texts[] = {
    [KVR_OK] = "no error",
    [KVR_FRAMING_EXTRAS_WITHOUT_FLEX] = "framing extras with a magic that can't carry them",
    [KVR_FRAMING_EXTRAS_TOO_LONG] = "framing extras over 255 bytes",
    [KVR_EXTRAS_TOO_LONG] = "extras over 255 bytes",
    [KVR_KEY_TOO_LONG] = "key over 65535 bytes, or over 255 beside framing extras",
    [KVR_BODY_TOO_LONG] = "body over 4294967295 bytes",
    [KVR_BATCH_TOO_LONG] = "batch over what libevent can reserve",
    [KVR_NO_ROOM] = "output too small for the frame",
    [KVR_NO_MEMORY] = "out of memory",
    [KVR_BUFFER_REFUSED] = "buffer closed to appends",
    [KVR_TORN] = "failed between the parts, and those written can't be taken back",
};

const char *kvr_error_text(enum kvr_error error)
{
    size_t index = (size_t)error;
    if (index >= sizeof(texts) / sizeof(texts[0]) || texts[index] == NULL) {
        return "unknown error";
    }
    return texts[index];
}
