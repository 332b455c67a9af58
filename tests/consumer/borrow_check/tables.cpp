// SPDX-License-Identifier: BSL-1.0
// Includes nothing: its headers are precompiled.

#if !defined(OF_ONE_SOURCE) || ONE != 1
#error "the definitions of this source are missing"
#endif
#if defined(__GNUC__) && !defined(__STRICT_ANSI__)
#error "not the standard that the target asks for"
#endif

std::string table_name() { return TABLE_NAME; }
std::string source_name() { return OF_ONE_SOURCE; }
