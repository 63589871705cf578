# libkvresponse: the writers as a library of their own, shared and static.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

list(TRANSFORM writer_sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE library_sources)
foreach(source error.c encode.c encode_flat.c)
  list(APPEND library_sources ${PROJECT_SOURCE_DIR}/src/response/${source})
endforeach()

# For tests/abi: relative to the project.
list(TRANSFORM library_sources REPLACE "^${PROJECT_SOURCE_DIR}/" "" OUTPUT_VARIABLE relative_sources)
set_property(GLOBAL PROPERTY KVRESPONSE_SOURCES ${relative_sources})

add_library(kvresponse_objects OBJECT ${library_sources})
target_include_directories(kvresponse_objects PRIVATE ${PROJECT_SOURCE_DIR}/src
                                                      ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(kvresponse_objects PRIVATE PkgConfig::LIBEVENT)
# The header makes its own declarations visible, and nothing else is.
set_target_properties(kvresponse_objects PROPERTIES POSITION_INDEPENDENT_CODE ON
                                                    C_VISIBILITY_PRESET hidden)

add_library(kvresponse SHARED)
target_link_libraries(kvresponse PRIVATE kvresponse_objects PUBLIC PkgConfig::LIBEVENT)
# While the major version is 0, each minor version may break what was linked with the one before.
set(soversion ${PROJECT_VERSION_MAJOR})
if(soversion EQUAL 0)
  set(soversion 0.${PROJECT_VERSION_MINOR})
endif()
set_target_properties(kvresponse PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${soversion})

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

foreach(library kvresponse kvresponse_static)
  target_include_directories(
    ${library} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
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
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/kvresponse TYPE INCLUDE COMPONENT libkvresponse)
install(FILES ${PROJECT_SOURCE_DIR}/man/kvresponse.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3
        COMPONENT libkvresponse)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/kvresponse
        COMPONENT libkvresponse)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kvresponse.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libkvresponse)
install(EXPORT kvresponseTargets NAMESPACE kvresponse::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvresponse COMPONENT libkvresponse)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kvresponseConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/kvresponseConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/kvresponse COMPONENT libkvresponse)
