// SPDX-License-Identifier: BSL-1.0

/// Hits of resident pages, each kind in a function of its own, for bench/instructions/run.

#include <quire/pool/buffer_pool.hpp>

#include <cstdio>
#include <filesystem>

namespace {

using pool_type = quire::buffer_pool<>;
using file_type = pool_type::file;
using quire::page_no;

}  // namespace

[[gnu::noinline]] std::uint64_t guard_hit(file_type const& file, page_no no) {
    auto const page = file.read(no);
    return page->bytes().load<std::uint64_t>(64);
}

[[gnu::noinline]] std::uint64_t write_hit(file_type const& file, page_no no) {
    auto page = file.write(no);
    page->bytes().store<std::uint64_t>(64, no.value());
    return no.value();
}

[[gnu::noinline]] std::uint64_t optimistic_hit(file_type const& file, page_no no) {
    return file.optimistic_read(
        no, [](auto const& page) { return page.bytes().template load<std::uint64_t>(64); });
}

int main() {
    constexpr unsigned pages = 64;
    constexpr unsigned hits = 1000;
    std::filesystem::remove("instructions.pages");
    pool_type pool{{.frames = 256}};
    auto const file = pool.open("instructions.pages", quire::open_mode::open_or_create,
                                {.io = quire::io_mode::direct_or_buffered});
    for (unsigned i = 0; i < pages; ++i) { auto const page = file.append(); }
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < hits; ++i) {
        page_no const no{i % pages};
        sum += guard_hit(file, no) + write_hit(file, no) + optimistic_hit(file, no);
    }
    std::printf("%llu\n", static_cast<unsigned long long>(sum));
    file.close(quire::unwritten::discard);
    std::filesystem::remove("instructions.pages");
}
