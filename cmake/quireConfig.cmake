# SPDX-License-Identifier: BSL-1.0
include(CMakeFindDependencyMacro)

if(NOT TARGET Boost::headers)
    find_dependency(Boost 1.77 CONFIG)
endif()
find_dependency(Threads)

include(${CMAKE_CURRENT_LIST_DIR}/quireTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/quire_borrow_check.cmake)
