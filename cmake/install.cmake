# SPDX-License-Identifier: BSL-1.0
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(quire_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/quire)

install(TARGETS quire EXPORT quireTargets FILE_SET HEADERS FILE_SET uring
        FILE_SET rbd)
install(EXPORT quireTargets NAMESPACE quire:: DESTINATION ${quire_package_dir})

write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/quireConfigVersion.cmake
    COMPATIBILITY SameMinorVersion
    ARCH_INDEPENDENT)
install(
    FILES ${PROJECT_SOURCE_DIR}/cmake/quireConfig.cmake
          ${PROJECT_SOURCE_DIR}/cmake/librbd.cmake
          ${PROJECT_SOURCE_DIR}/cmake/quire_borrow_check.cmake
          ${PROJECT_SOURCE_DIR}/cmake/quire_borrow_check.sh
          ${PROJECT_BINARY_DIR}/quireConfigVersion.cmake
    DESTINATION ${quire_package_dir})

# For users without CMake. Its paths are relative to its own folder, so it can be moved as well.
# It does not name Boost, which has no such file: the compiler must find Boost's headers.
set(pc_dir "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig")
file(RELATIVE_PATH prefix_from_pc "${pc_dir}" "${CMAKE_INSTALL_PREFIX}")
file(RELATIVE_PATH include_from_prefix
     "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/quire.pc.in ${PROJECT_BINARY_DIR}/quire.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/quire.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
