# libkvresponse: the writers as a library of their own, shared and static, with one header.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

list(TRANSFORM writer_sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE library_sources)
foreach(source error.c encode.c encode_flat.c)
  list(APPEND library_sources ${PROJECT_SOURCE_DIR}/src/response/${source})
endforeach()

add_library(kvresponse_objects OBJECT ${library_sources})
target_include_directories(kvresponse_objects PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(kvresponse_objects PRIVATE PkgConfig::LIBEVENT)
# The header makes its own declarations visible, and nothing else is.
set_target_properties(kvresponse_objects PROPERTIES POSITION_INDEPENDENT_CODE ON
                                                    C_VISIBILITY_PRESET hidden)

add_library(kvresponse SHARED)
target_link_libraries(kvresponse PRIVATE kvresponse_objects PUBLIC PkgConfig::LIBEVENT)
set_target_properties(kvresponse PROPERTIES VERSION ${PROJECT_VERSION}
                                            SOVERSION ${PROJECT_VERSION_MAJOR})

# Hidden symbols are still global in an archive: batch_write and the like could clash with the
# program's own. One object with its hidden symbols made local does not.
set(one_object ${CMAKE_CURRENT_BINARY_DIR}/kvresponse.o)
add_custom_command(
  OUTPUT ${one_object}
  COMMAND ${CMAKE_LINKER} -r -o ${one_object} $<TARGET_OBJECTS:kvresponse_objects>
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${one_object}
  DEPENDS kvresponse_objects $<TARGET_OBJECTS:kvresponse_objects>
  COMMAND_EXPAND_LISTS VERBATIM)
add_library(kvresponse_static STATIC ${one_object})
set_target_properties(kvresponse_static PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME kvresponse)
target_link_libraries(kvresponse_static PUBLIC PkgConfig::LIBEVENT)

# A folder with the public header alone, as an installation has it.
configure_file(${PROJECT_SOURCE_DIR}/src/response/kvresponse.h
               ${CMAKE_CURRENT_BINARY_DIR}/include/kvresponse.h COPYONLY)
foreach(library kvresponse kvresponse_static)
  target_include_directories(
    ${library} INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_BINARY_DIR}/include>
                         $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

# Relative, so that an installation may be moved, or made with another --prefix.
file(RELATIVE_PATH KVRESPONSE_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
     ${CMAKE_INSTALL_PREFIX})
configure_file(kvresponse.pc.in ${CMAKE_CURRENT_BINARY_DIR}/kvresponse.pc @ONLY)
configure_package_config_file(
  kvresponseConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/kvresponseConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvresponse)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/kvresponseConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)

install(TARGETS kvresponse kvresponse_static EXPORT kvresponseTargets
        LIBRARY COMPONENT libkvresponse NAMELINK_COMPONENT libkvresponse
        ARCHIVE COMPONENT libkvresponse)
install(FILES ${PROJECT_SOURCE_DIR}/src/response/kvresponse.h TYPE INCLUDE COMPONENT libkvresponse)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kvresponse.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libkvresponse)
install(EXPORT kvresponseTargets NAMESPACE kvresponse::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvresponse COMPONENT libkvresponse)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kvresponseConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/kvresponseConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvresponse COMPONENT libkvresponse)
