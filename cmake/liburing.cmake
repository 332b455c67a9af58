# SPDX-License-Identifier: BSL-1.0
# Where liburing is: the target quire_liburing, for tests and examples that include
# quire/io/uring_backend.hpp. They ask for the header (`__has_include(<liburing.h>)`) and go without
# where it is missing. Users link liburing themselves.
find_library(QUIRE_LIBURING uring)
find_path(QUIRE_LIBURING_INCLUDE liburing.h)
mark_as_advanced(QUIRE_LIBURING QUIRE_LIBURING_INCLUDE)
if(NOT TARGET quire_liburing)
    add_library(quire_liburing INTERFACE)
    if(QUIRE_LIBURING AND QUIRE_LIBURING_INCLUDE)
        target_link_libraries(quire_liburing INTERFACE ${QUIRE_LIBURING})
        target_include_directories(quire_liburing SYSTEM INTERFACE ${QUIRE_LIBURING_INCLUDE})
    else()
        message(STATUS "liburing is not here: uring_backend is left out (Debian: liburing-dev)")
    endif()
endif()
