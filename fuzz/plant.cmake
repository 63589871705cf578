# -DPLANT_FAULT=NAME builds everything from a copy of src with fuzz/faults/NAME.patch applied, to show
# that fuzzing finds it (fuzz/prove). The sources themselves know nothing of faults, so no other build
# can have one. Sets SOURCE_FOLDER.
set(PLANT_FAULT "" CACHE STRING "A deliberate fault, by the name of a patch in fuzz/faults")
set(SOURCE_FOLDER ${PROJECT_SOURCE_DIR}/src)

if(PLANT_FAULT)
  set(patch ${PROJECT_SOURCE_DIR}/fuzz/faults/${PLANT_FAULT}.patch)
  if(NOT EXISTS ${patch})
    message(FATAL_ERROR "PLANT_FAULT: there is no ${patch}")
  endif()
  set(planted ${CMAKE_BINARY_DIR}/planted)
  file(REMOVE_RECURSE ${planted})
  file(COPY ${PROJECT_SOURCE_DIR}/src DESTINATION ${planted})
  execute_process(COMMAND patch -p1 --quiet -i ${patch} WORKING_DIRECTORY ${planted}
                  RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "PLANT_FAULT: ${patch} does not apply")
  endif()
  # Copies keep their times: what this patch changed, and the one before, has to be compiled again.
  foreach(name IN ITEMS ${PLANT_FAULT} ${PLANTED_BEFORE})
    file(STRINGS ${PROJECT_SOURCE_DIR}/fuzz/faults/${name}.patch changed REGEX "^[+][+][+] b/")
    foreach(line IN LISTS changed)
      string(REGEX REPLACE "^[+][+][+] b/" "" changed_file "${line}")
      file(TOUCH ${planted}/${changed_file})
    endforeach()
  endforeach()
  set(PLANTED_BEFORE ${PLANT_FAULT} CACHE INTERNAL "")
  set(SOURCE_FOLDER ${planted}/src)
  include_directories(BEFORE ${SOURCE_FOLDER})
  message(WARNING "This build has the fault ${PLANT_FAULT} planted in it.")
endif()
