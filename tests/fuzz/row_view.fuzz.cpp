// SPDX-License-Identifier: BSL-1.0
#include "fuzz/input.hpp"
#include "page/exercise_rows.hpp"

// A tuple of any bytes and any length, as rows of two structs.

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace quire_test;
    fuzz_input const input{data, size};
    choices choose = input.stream();
    auto tuple = input.page(std::min<std::size_t>(input.content.size(), 4096));
    outcome out;
    auto const exercise = [&]<class T>(T const&) {
        read_row<T>(tuple, out);
        if ((input.how & 4U) == 0) { return; }
        change_row<T>(tuple, choose, out);
        read_row<T>(tuple, out);
    };
    if (input.is_large()) {
        exercise(specimen{});
    } else {
        exercise(record{});
        out.ask([&] {
            quire::row_view<record, std::byte const> const row{tuple, quire::slot_id{0}};
            return read_record(row);
        });
    }
    return 0;
}
