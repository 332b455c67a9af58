// SPDX-License-Identifier: BSL-1.0

/// Two shared objects of one program use the same pool. The second one is loaded with its symbols
/// to itself, so each has its own copy of every variable of the headers.
///
/// Expected: error codes are equal, a flush from the log hook is errc::reentered, a thread that
/// would wait for its own guard is told so, and a guard that begins in one ends in the other.

#include "other.hpp"

#include <iostream>

#include <dlfcn.h>

namespace {

int failed = 0;

void check(bool as_expected, char const* what) {
    std::cout << (as_expected ? "ok      " : "FAILED  ") << what << '\n';
    failed += as_expected ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    void* const library = argc == 2 ? ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (library == nullptr) {
        std::cerr << "usage: shared_objects LIBRARY\n" << (argc == 2 ? ::dlerror() : "") << '\n';
        return 2;
    }
    auto const functions = reinterpret_cast<other_functions (*)()>(
        ::dlsym(library, "quire_other_functions"))();

    check(functions.is_blank_page(quire::errc::blank_page), "a code made here is known there");
    check(!functions.is_blank_page(quire::errc::in_use), "another code is another code");
    check(!functions.is_blank_page(std::error_code{static_cast<int>(quire::errc::blank_page),
                                                   std::generic_category()}),
          "an errno is no code of quire");

    pool_type::file* hooked = nullptr;
    bool refused = false;
    pool_type pool{{.frames = 4,
                    .durable =
                        [&](std::uint64_t lsn) {
                            refused = functions.may_not_flush(*hooked);
                            return lsn;
                        },
                    .backend = {}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    hooked = &file;
    file.append().logged(1);
    check(functions.out_of_range(file) == quire::errc::page_out_of_range,
          "a code made there is known here");
    file.flush();
    check(refused, "the log hook does not flush its pool, by whichever object");
    {
        auto const page = file.read(0);
        check(functions.waits_for_itself(file), "a guard from here is known there");
    }
    {
        reader_slot guard;
        guard.emplace(file, 0);
        functions.end(guard);
    }
    check(!file.held_here(0), "a guard from here ends there");
    file.close();
    return failed == 0 ? 0 : 1;
}
