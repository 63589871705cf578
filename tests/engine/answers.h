/* Requests and answers that several tests have in common, in the notation of bytes_add_notation. */
#ifndef KVREPLAY_TESTS_ENGINE_ANSWERS_H
#define KVREPLAY_TESTS_ENGINE_ANSWERS_H

/*                  mg op klen el dt stat body     opaque   CAS                              */
#define SET_K_VALUE                                                                                \
    "80 01 0001 08 00 0000 0000000e 00000001 0000000000000000 deadbeef 00000000 'k' 'value'"
#define SET_K_10                                                                                   \
    "80 01 0001 08 00 0000 0000000b 00000001 0000000000000000 00000000 00000000 'k' '10'"
#define GET_K      "80 00 0001 00 00 0000 00000001 00000002 0000000000000000 'k'"
#define NOT_FOUND  "0000 00 00 0001 00000009 00000002 0000000000000000 'Not found'"
#define EXISTS     "0000 00 00 0002 00000014 00000002 0000000000000000 'Data exists for key.'"
#define INVALID    "0000 00 00 0004 00000011 00000002 0000000000000000 'Invalid arguments'"
#define NOT_STORED "0000 00 00 0005 0000000b 00000002 0000000000000000 'Not stored.'"
#define UNKNOWN    "0000 00 00 0081 0000000f 00000002 0000000000000000 'Unknown command'"
#define STORED     "0000 00 00 0000 00000000 00000002 0000000000000ca5"
#define NON_NUMERIC                                                                                \
    "0000 00 00 0006 0000002e 00000002 0000000000000000"                                           \
    "'Non-numeric server-side value for incr or decr'"

#endif
