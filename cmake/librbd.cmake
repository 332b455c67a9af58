# SPDX-License-Identifier: BSL-1.0
# Where librbd and librados are: the target quire_librbd, for tests and examples that include
# quire/io/rbd_backend.hpp. They go without where one is missing. Users link both themselves.
find_library(QUIRE_LIBRBD rbd)
find_library(QUIRE_LIBRADOS rados)
find_path(QUIRE_LIBRBD_INCLUDE rbd/librbd.h)
mark_as_advanced(QUIRE_LIBRBD QUIRE_LIBRADOS QUIRE_LIBRBD_INCLUDE)
if(NOT TARGET quire_librbd AND QUIRE_LIBRBD AND QUIRE_LIBRADOS AND QUIRE_LIBRBD_INCLUDE)
    add_library(quire_librbd INTERFACE)
    target_link_libraries(quire_librbd INTERFACE ${QUIRE_LIBRBD} ${QUIRE_LIBRADOS})
    target_include_directories(quire_librbd SYSTEM INTERFACE ${QUIRE_LIBRBD_INCLUDE})
elseif(NOT TARGET quire_librbd)
    message(STATUS "librbd is not here: rbd_backend is left out (Debian: librbd-dev librados-dev)")
endif()
