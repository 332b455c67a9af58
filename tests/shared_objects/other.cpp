// SPDX-License-Identifier: BSL-1.0
#include "other.hpp"

namespace {

template <class Call>
quire::errc code_of(Call call) {
    try {
        call();
    } catch (quire::error const& e) {
        return e.kind();
    }
    return {};
}

}  // namespace

extern "C" other_functions quire_other_functions() {
    return {
        [](std::error_code const& code) { return code == quire::errc::blank_page; },
        [](pool_type::file const& file) -> std::error_code {
            try {
                static_cast<void>(file.read(7));
            } catch (quire::error const& e) {
                return e.code();
            }
            return {};
        },
        [](pool_type::file const& file) {
            return code_of([&] { file.flush(); }) == quire::errc::reentered;
        },
        [](pool_type::file const& file) {
            return file.held_here(0) && code_of([&] { static_cast<void>(file.write(0)); }) ==
                                            quire::errc::held_here;
        },
        [](reader_slot& guard) { guard.reset(); },
    };
}
