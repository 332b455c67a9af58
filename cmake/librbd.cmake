# SPDX-License-Identifier: BSL-1.0
# What quire/io/rbd_backend.hpp needs: the target quire::rbd, which is quire::quire with librbd and
# librados. There is none where one of them is missing. In quire's package it is asked for:
#   find_package(quire CONFIG REQUIRED COMPONENTS rbd)
find_library(QUIRE_LIBRBD rbd)
find_library(QUIRE_LIBRADOS rados)
find_path(QUIRE_LIBRBD_INCLUDE rbd/librbd.h)
mark_as_advanced(QUIRE_LIBRBD QUIRE_LIBRADOS QUIRE_LIBRBD_INCLUDE)
if(NOT TARGET quire::rbd AND QUIRE_LIBRBD AND QUIRE_LIBRADOS AND QUIRE_LIBRBD_INCLUDE)
    # It is seen where quire::quire is: everywhere, if that is a target of this build.
    get_target_property(quire_is_imported quire::quire IMPORTED)
    if(quire_is_imported)
        add_library(quire::rbd INTERFACE IMPORTED)
    else()
        add_library(quire::rbd INTERFACE IMPORTED GLOBAL)
    endif()
    target_link_libraries(quire::rbd INTERFACE quire::quire ${QUIRE_LIBRBD} ${QUIRE_LIBRADOS})
    target_include_directories(quire::rbd SYSTEM INTERFACE ${QUIRE_LIBRBD_INCLUDE})
endif()
