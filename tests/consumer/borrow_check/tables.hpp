// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <user.hpp>

std::string table_name();
std::string source_name();
