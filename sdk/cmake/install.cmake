# What an installed Sallyport is: library, public headers, CMake package, pkg-config file, licence and documentation.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sallyport)

install(
  TARGETS sallyport
  EXPORT sallyportTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT sallyportTargets NAMESPACE sallyport:: DESTINATION ${package_dir})

configure_package_config_file(sdk/cmake/sallyportConfig.cmake.in sallyportConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Until 1.0 a minor version may break.
write_basic_package_version_file(sallyportConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sallyportConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/sallyportConfigVersion.cmake DESTINATION ${package_dir})

# pkg-config knows where its file lies, so a prefix counted from there survives moving the tree.
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkgconfig ${CMAKE_INSTALL_PREFIX}/${pkgconfig_dir} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig "${prefix_from_pkgconfig}")
configure_file(sdk/cmake/sallyport.pc.in sallyport.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sallyport.pc DESTINATION ${pkgconfig_dir})

file(GLOB documents CONFIGURE_DEPENDS LICENSE NOTICE README.md CHANGELOG.md SECURITY.md)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(EXISTS ${PROJECT_SOURCE_DIR}/sdk/docs)
  install(DIRECTORY sdk/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()
