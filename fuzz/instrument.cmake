# What drives the fuzz targets:
#   plain      programs that replay files and folders (the default)
#   libfuzzer  clang's, in the same process
#   afl        AFL++; configure with CC=afl-clang-fast
#   engine     whatever LIB_FUZZING_ENGINE in the environment names (OSS-Fuzz, ClusterFuzzLite),
#              which also brings its own compiler flags
# All but plain instrument everything, and keep the asserts.
set(KVREPLAY_FUZZER plain CACHE STRING "plain, libfuzzer, afl or engine")
set_property(CACHE KVREPLAY_FUZZER PROPERTY STRINGS plain libfuzzer afl engine)

if(KVREPLAY_FUZZER STREQUAL libfuzzer)
  set(KVREPLAY_FUZZ_ENGINE -fsanitize=fuzzer)
  add_compile_options(-fsanitize=fuzzer-no-link)
elseif(KVREPLAY_FUZZER STREQUAL afl)
  set(KVREPLAY_FUZZ_ENGINE -fsanitize=fuzzer)
elseif(KVREPLAY_FUZZER STREQUAL engine)
  set(KVREPLAY_FUZZ_ENGINE "$ENV{LIB_FUZZING_ENGINE}")
elseif(NOT KVREPLAY_FUZZER STREQUAL plain)
  message(FATAL_ERROR "KVREPLAY_FUZZER: '${KVREPLAY_FUZZER}' is not plain, libfuzzer, afl or engine")
endif()
if(NOT KVREPLAY_FUZZER STREQUAL plain)
  add_compile_options(-UNDEBUG -g -O2)
endif()
