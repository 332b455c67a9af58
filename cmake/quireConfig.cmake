# SPDX-License-Identifier: BSL-1.0
include(CMakeFindDependencyMacro)

if(NOT TARGET Boost::headers)
    find_dependency(Boost 1.77 CONFIG)
endif()
find_dependency(Threads)

include(${CMAKE_CURRENT_LIST_DIR}/quireTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/quire_borrow_check.cmake)

if("rbd" IN_LIST quire_FIND_COMPONENTS)
    include(${CMAKE_CURRENT_LIST_DIR}/librbd.cmake)
endif()
foreach(component IN LISTS quire_FIND_COMPONENTS)
    if(component STREQUAL "rbd" AND TARGET quire::rbd)
        set(quire_${component}_FOUND TRUE)
    elseif(quire_FIND_REQUIRED_${component})
        set(quire_FOUND FALSE)
        set(quire_NOT_FOUND_MESSAGE
            "There is no component ${component}, or not what it needs (rbd: librbd and librados).")
    endif()
endforeach()
