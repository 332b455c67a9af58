# SPDX-License-Identifier: BSL-1.0
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(quire_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/quire)

install(TARGETS quire EXPORT quireTargets FILE_SET HEADERS)
install(EXPORT quireTargets NAMESPACE quire:: DESTINATION ${quire_package_dir})

write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/quireConfigVersion.cmake
    COMPATIBILITY SameMinorVersion
    ARCH_INDEPENDENT)
install(
    FILES ${PROJECT_SOURCE_DIR}/cmake/quireConfig.cmake
          ${PROJECT_BINARY_DIR}/quireConfigVersion.cmake
    DESTINATION ${quire_package_dir})
