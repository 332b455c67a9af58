// SPDX-License-Identifier: BSL-1.0
#include "rules.hpp"

#include <iostream>
#include <string_view>

// house SOURCE_ROOT          prints every violation; exit 1 when there is one
// house --self-test DIR      checks the rules themselves, with trees below DIR
int main(int argc, char** argv) {
    if (argc == 3 && std::string_view{argv[1]} == "--self-test") {
        return house::self_test(argv[2]) ? 0 : 1;
    }
    if (argc != 2) {
        std::cerr << "usage: house SOURCE_ROOT | house --self-test DIR\n";
        return 2;
    }
    auto const found = house::check_tree(argv[1]);
    for (auto const& v : found) { std::cout << house::to_string(v) << '\n'; }
    std::cout << found.size() << " violations\n";
    return found.empty() ? 0 : 1;
}
