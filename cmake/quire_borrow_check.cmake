# SPDX-License-Identifier: BSL-1.0
# quire_borrow_check: clang's borrow checks for targets that any compiler builds.
#
#     find_package(quire REQUIRED)                  # or add_subdirectory, or FetchContent
#     add_executable(engine main.cpp log.cpp)
#     target_link_libraries(engine PRIVATE quire::quire)
#     quire_borrow_check(engine)
#
#     cmake --build build --target engine_borrow_check
#
# clang 22 reports misuse of guards and views that g++ compiles without a warning: a row that an
# insert made stale, a guard used after its release, a view that outlives its page. The function
#
#     quire_borrow_check(<target>... [ALL] [WARN_ONLY])
#
# adds for each target a target <target>_borrow_check in which clang checks its C++ sources. The
# build of the target itself does not change. Each finding is an error.
#
#   ALL        The check is part of the default build, if there is a checker.
#   WARN_ONLY  Each finding is printed, once, and is not an error.
#
#   QUIRE_BORROW_CHECKER        Cache variable: the clang++ to use, 21 or later. When empty: the
#                               project's own compiler if it is such a clang, else clang++-22 or
#                               another that is found. quire's tests use clang 22.
#   QUIRE_BORROW_CHECKER_FLAGS  Cache variable: a list of further options for it.
#
# Without a checker the project configures as before, and <target>_borrow_check fails with a
# message that says what to install: a check that did not run has not passed.
#
# Call it where the target is made (its sources' properties, and the packages it links, are known
# there), before or after the target's properties are set. It works with Makefiles and Ninja, for
# all kinds of targets that have sources. C++20 modules are not followed.
#
# If clang is wrong about some lines, turn its warning off before them (or around them, by push and
# pop):
#
#     #if defined(__clang__)
#     #pragma clang diagnostic ignored "-Wthread-safety"
#     #endif
#
# How: the new target is an object library of the same sources, with the same usage requirements,
# whose compiler launcher (quire_borrow_check.sh) runs clang with -fsyntax-only instead of the
# compiler. So CMake itself handles include directories, the standard, definitions, configurations,
# properties of single sources, precompiled headers, generated sources and dependencies; each
# source is checked again when it, or a header of it, has changed, and in parallel under -j.
# Two costs: a directory given by target_include_directories(SYSTEM PRIVATE) is searched like any
# other; and with Makefiles a target that has generated sources is built before it is checked.
include_guard(GLOBAL)

cmake_policy(PUSH)
cmake_policy(VERSION 3.23...4.1)

set(QUIRE_BORROW_CHECKER "" CACHE STRING
    "The clang++ (21 or later) of quire_borrow_check; empty: looked for")
set(QUIRE_BORROW_CHECKER_FLAGS "" CACHE STRING "Further options for the checker, a list")
mark_as_advanced(QUIRE_BORROW_CHECKER QUIRE_BORROW_CHECKER_FLAGS)

# The flags of the checks on quire's corpus of misuse. -Wunused-result is on by default in clang.
set_property(GLOBAL PROPERTY _quire_borrow_warnings
    -Wdangling -Wdangling-gsl -Wdangling-capture -Wreturn-stack-address -Wconsumed -Wthread-safety
    -Wexperimental-lifetime-safety -Wunused-result)
set_property(GLOBAL PROPERTY _quire_borrow_analysis -Xclang -fexperimental-lifetime-safety
    -Xclang -fexperimental-lifetime-safety-inference)

# The reason why `checker` cannot be used, or nothing.
function(_quire_borrow_checker_fault checker out)
    execute_process(
        COMMAND ${checker} --version
        OUTPUT_VARIABLE says ERROR_QUIET RESULT_VARIABLE status)
    if(NOT status STREQUAL "0")
        set(${out} "${checker} does not run" PARENT_SCOPE)
    elseif(NOT says MATCHES "clang version ([0-9]+)")
        set(${out} "${checker} is not clang" PARENT_SCOPE)
    elseif(CMAKE_MATCH_1 LESS 21)
        set(${out} "${checker} is clang ${CMAKE_MATCH_1}, and the check needs 21 or later"
            PARENT_SCOPE)
    else()
        set(${out} "" PARENT_SCOPE)
    endif()
endfunction()

# The checker, or nothing and the reason.
function(_quire_find_borrow_checker out out_reason)
    set(${out} "" PARENT_SCOPE)
    set(${out_reason} "no clang++ 21 or later is found" PARENT_SCOPE)
    if(NOT CMAKE_GENERATOR MATCHES "Makefiles|Ninja")
        set(${out_reason} "the generator ${CMAKE_GENERATOR} is not supported" PARENT_SCOPE)
        return()
    endif()
    if(QUIRE_BORROW_CHECKER)
        set(names "${QUIRE_BORROW_CHECKER}")
    else()
        set(names clang++-22 clang++-23 clang++-24 clang++-25 clang++-21 clang++)
        if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND NOT CMAKE_CXX_COMPILER_ARG1)
            list(PREPEND names "${CMAKE_CXX_COMPILER}")
        endif()
    endif()
    foreach(name IN LISTS names)
        unset(checker)
        find_program(checker NAMES "${name}" NO_CACHE)
        if(NOT checker)
            set(fault "QUIRE_BORROW_CHECKER is ${name}, which is not found")
        else()
            _quire_borrow_checker_fault("${checker}" fault)
        endif()
        if(NOT fault)
            set(${out} "${checker}" PARENT_SCOPE)
            return()
        elseif(QUIRE_BORROW_CHECKER)
            set(${out_reason} "${fault}" PARENT_SCOPE)
        endif()
    endforeach()
endfunction()

# The flags with which clang compiles the program as the project's compiler does.
function(_quire_borrow_checker_flags checker out)
    get_property(flags GLOBAL PROPERTY _quire_borrow_analysis)
    execute_process(
        COMMAND ${checker} ${flags} -fsyntax-only -x c++ /dev/null
        OUTPUT_QUIET ERROR_QUIET RESULT_VARIABLE status)
    if(NOT status STREQUAL "0")
        set(flags "") # experimental in clang 21 and 22; later versions may not have it
    endif()
    # When CMake passes no -std=, the project's compiler has it as its default.
    if(CMAKE_CXX_STANDARD_DEFAULT GREATER 20)
        list(APPEND flags -std=gnu++${CMAKE_CXX_STANDARD_DEFAULT})
    else()
        list(APPEND flags -std=gnu++20)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU") # use its machine and its standard library
        separate_arguments(argument UNIX_COMMAND "${CMAKE_CXX_COMPILER_ARG1}")
        execute_process(
            COMMAND ${CMAKE_CXX_COMPILER} ${argument} -dumpmachine
            OUTPUT_VARIABLE machine OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        execute_process(
            COMMAND ${CMAKE_CXX_COMPILER} ${argument} -print-libgcc-file-name
            OUTPUT_VARIABLE libgcc OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(machine)
            list(APPEND flags --target=${machine})
        endif()
        if(IS_ABSOLUTE "${libgcc}")
            cmake_path(GET libgcc PARENT_PATH directory)
            list(APPEND flags --gcc-install-dir=${directory})
        endif()
    endif()
    set(${out} "${flags}" PARENT_SCOPE)
endfunction()

# At the end of the directory: the properties that generator expressions cannot copy.
function(_quire_borrow_check_finish target check)
    foreach(property IN ITEMS
            CXX_STANDARD CXX_STANDARD_REQUIRED CXX_EXTENSIONS COMPILE_FLAGS
            POSITION_INDEPENDENT_CODE NO_SYSTEM_FROM_IMPORTED
            PRECOMPILE_HEADERS DISABLE_PRECOMPILE_HEADERS)
        get_property(value TARGET ${target} PROPERTY ${property})
        set_property(TARGET ${check} PROPERTY ${property} ${value}) # unset when there is none
    endforeach()

    get_property(other TARGET ${target} PROPERTY PRECOMPILE_HEADERS_REUSE_FROM)
    if(other)
        set_property(TARGET ${check} PROPERTY
            PRECOMPILE_HEADERS "$<TARGET_PROPERTY:${other},PRECOMPILE_HEADERS>")
    endif()

    get_property(type TARGET ${target} PROPERTY TYPE)
    if(type MATCHES "SHARED|MODULE")
        get_property(macro TARGET ${target} PROPERTY DEFINE_SYMBOL)
        if(NOT macro)
            string(MAKE_C_IDENTIFIER "${target}_EXPORTS" macro)
        endif()
        target_compile_definitions(${check} PRIVATE ${macro})
        set_property(TARGET ${check} PROPERTY POSITION_INDEPENDENT_CODE ON)
    endif()

    get_property(prerequisites TARGET ${target} PROPERTY MANUALLY_ADDED_DEPENDENCIES)
    get_property(sources TARGET ${target} PROPERTY SOURCES)
    list(FILTER sources EXCLUDE REGEX "[$]<")
    foreach(source IN LISTS sources)
        get_source_file_property(generated "${source}" GENERATED)
        if(NOT generated)
            get_source_file_property(language "${source}" LANGUAGE)
            if(language STREQUAL "CXX")
                target_sources(${check} PRIVATE "${source}")
            endif()
        elseif(CMAKE_GENERATOR MATCHES "Makefiles")
            # With Makefiles, two targets could generate the same file at the same time.
            list(APPEND prerequisites ${target})
        endif()
    endforeach()
    if(prerequisites)
        add_dependencies(${check} ${prerequisites})
    endif()
endfunction()

function(_quire_borrow_check_one target checker flags)
    set(check ${target}_borrow_check)
    set(of "$<TARGET_PROPERTY:${target}")
    # Sources that are C++ by name (by property: see finish), without those that CMake adds.
    set(sources "$<FILTER:${of},SOURCES>,INCLUDE,[.](C|CPP|cc|cp|cpp|cxx|c[+][+])$>")
    set(added "/CMakeFiles/.*(/cmake_pch|/Unity/unity_)[^/]*$")
    add_library(${check} OBJECT EXCLUDE_FROM_ALL "$<FILTER:${sources},EXCLUDE,${added}>")
    target_include_directories(${check} PRIVATE "${of},INCLUDE_DIRECTORIES>")
    target_compile_definitions(${check} PRIVATE "${of},COMPILE_DEFINITIONS>")
    target_compile_features(${check} PRIVATE "${of},COMPILE_FEATURES>")
    target_compile_options(${check} PRIVATE "${of},COMPILE_OPTIONS>")
    target_link_libraries(${check} PRIVATE "${of},LINK_LIBRARIES>")
    set_target_properties(${check} PROPERTIES
        CXX_COMPILER_LAUNCHER
            "sh;${CMAKE_CURRENT_FUNCTION_LIST_DIR}/quire_borrow_check.sh;${checker};${flags};--"
        EXPORT_COMPILE_COMMANDS OFF
        UNITY_BUILD OFF
        AUTOMOC OFF
        AUTOUIC OFF
        AUTORCC OFF
        CXX_CLANG_TIDY ""
        CXX_CPPCHECK ""
        CXX_CPPLINT ""
        CXX_INCLUDE_WHAT_YOU_USE ""
        LINK_WHAT_YOU_USE OFF)
    cmake_language(EVAL CODE
        "cmake_language(DEFER CALL _quire_borrow_check_finish [[${target}]] [[${check}]])")
endfunction()

function(_quire_borrow_check_expect target)
    if(NOT TARGET "${target}")
        message(FATAL_ERROR "quire_borrow_check: there is no target ${target}")
    endif()
    get_property(type TARGET ${target} PROPERTY TYPE)
    get_property(imported TARGET ${target} PROPERTY IMPORTED)
    get_property(directory TARGET ${target} PROPERTY SOURCE_DIR)
    if(imported OR NOT type MATCHES "EXECUTABLE|STATIC|SHARED|MODULE|OBJECT")
        message(FATAL_ERROR "quire_borrow_check: ${target} has no sources that this project builds")
    elseif(NOT directory STREQUAL CMAKE_CURRENT_SOURCE_DIR)
        message(FATAL_ERROR "quire_borrow_check: call it for ${target} in ${directory}, where "
                            "the target is made")
    endif()
endfunction()

function(quire_borrow_check)
    cmake_parse_arguments(PARSE_ARGV 0 arg "ALL;WARN_ONLY" "" "")
    if(NOT arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "quire_borrow_check: which target?")
    endif()
    _quire_find_borrow_checker(checker reason)
    if(checker)
        get_property(warnings GLOBAL PROPERTY _quire_borrow_warnings)
        _quire_borrow_checker_flags("${checker}" flags)
        # These warnings only. A discarded result is no error here: the C library has many.
        list(APPEND flags -Wno-everything -Wno-unknown-warning-option ${warnings})
        if(NOT arg_WARN_ONLY)
            list(APPEND flags -Werror -Wno-error=unused-result)
        endif()
        list(APPEND flags ${QUIRE_BORROW_CHECKER_FLAGS})
    endif()
    foreach(target IN LISTS arg_UNPARSED_ARGUMENTS)
        _quire_borrow_check_expect("${target}")
        get_property(aliased TARGET ${target} PROPERTY ALIASED_TARGET)
        if(aliased)
            set(target ${aliased})
        endif()
        if(checker)
            _quire_borrow_check_one(${target} "${checker}" "${flags}")
            if(arg_ALL)
                set_property(TARGET ${target}_borrow_check PROPERTY EXCLUDE_FROM_ALL OFF)
            endif()
        else()
            set(sentence "${target} is not checked: ${reason}. Install clang 22 (on Debian: \
apt-get install clang-22) or set QUIRE_BORROW_CHECKER, and configure again.")
            message(STATUS "quire_borrow_check: ${sentence}")
            add_custom_target(
                ${target}_borrow_check
                COMMAND ${CMAKE_COMMAND} -E echo "${sentence}"
                COMMAND ${CMAKE_COMMAND} -E false
                VERBATIM)
        endif()
    endforeach()
endfunction()

cmake_policy(POP)
