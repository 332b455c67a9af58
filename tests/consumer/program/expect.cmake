# SPDX-License-Identifier: BSL-1.0
# What the target quire::quire gives to its users, however they came by it: headers, and nothing
# that changes how they compile. In the source tree: nothing is built or installed beside it.

foreach(property IN ITEMS COMPILE_OPTIONS COMPILE_DEFINITIONS LINK_OPTIONS SOURCES)
    get_target_property(value quire::quire INTERFACE_${property})
    if(value)
        message(FATAL_ERROR "quire::quire has INTERFACE_${property} ${value}")
    endif()
endforeach()

get_target_property(libraries quire::quire INTERFACE_LINK_LIBRARIES)
if(NOT libraries STREQUAL "Boost::headers;Threads::Threads")
    message(FATAL_ERROR "quire::quire links ${libraries}")
endif()

if(NOT COMMAND quire_borrow_check)
    message(FATAL_ERROR "there is no quire_borrow_check")
endif()

get_target_property(imported quire::quire IMPORTED)
if(NOT imported)
    get_target_property(directory quire::quire SOURCE_DIR)
    get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
    get_property(folders DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
    if(NOT targets STREQUAL "quire" OR folders)
        message(FATAL_ERROR "as a part of a project quire builds ${targets} ${folders}")
    elseif(QUIRE_INSTALL)
        message(FATAL_ERROR "as a part of a project quire is installed")
    endif()
endif()
