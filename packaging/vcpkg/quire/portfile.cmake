# SPDX-License-Identifier: BSL-1.0
# An overlay port of this source tree:  vcpkg install quire --overlay-ports=<here>/packaging/vcpkg
# (The name is taken by others on public registries.) vcpkg does not notice that the headers of the
# tree have changed: remove the package, and install it again.

set(VCPKG_BUILD_TYPE release) # headers only

cmake_path(SET SOURCE_PATH NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../../..")

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}" OPTIONS -DQUIRE_INSTALL=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/quire)
# vcpkg wants a .pc with Libs (here -pthread) in lib/pkgconfig. The folder is as deep, so that its
# relative paths stay right.
file(MAKE_DIRECTORY "${CURRENT_PACKAGES_DIR}/lib")
file(RENAME "${CURRENT_PACKAGES_DIR}/share/pkgconfig" "${CURRENT_PACKAGES_DIR}/lib/pkgconfig")
vcpkg_fixup_pkgconfig()

vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
