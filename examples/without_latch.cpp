// SPDX-License-Identifier: BSL-1.0

/// without_latch: the root of a tree, which every thread reads first, is read without its latch.
/// The page kind is written once, for readers with and without the latch.

#include <quire/quire.hpp>

#include <iostream>
#include <thread>
#include <vector>

//! [view]
/// Byte map: 0-11 the seal, 12 the number of children, 16 for each child its key and page number, 8
/// bytes each, by ascending key.
template <class Byte, std::size_t PageSize>
class root_page {
public:
    static constexpr std::size_t first_field_at = 12;  // quire checks that it is behind the seal
    static constexpr std::size_t children_max = (PageSize - 16) / 16;

    explicit root_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    static void format(std::span<std::byte, PageSize>, quire::page_no) noexcept {}  // zeros suffice
    static bool accepts(quire::shared_span<Byte, PageSize>) noexcept { return true; }

    /// The child for `key`. The number of children is loaded once and checked, so that nothing
    /// outside of the page is read, even when a writer changes the page meanwhile.
    [[nodiscard]] std::uint64_t child(std::uint64_t key) const noexcept {
        std::size_t const count = children();
        std::size_t low = 0;
        for (std::size_t high = count; low < high;) {
            auto const middle = low + (high - low) / 2;
            if (number(16 + 16 * middle) <= key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low == 0 ? 0 : number(24 + 16 * (low - 1));
    }
    void add(std::uint64_t key, std::uint64_t page) noexcept
        requires quire::writable_page<Byte>
    {
        std::size_t const count = children();
        if (count == children_max) { return; }
        quire::store_le(bytes_.data() + 16 + 16 * count, key);
        quire::store_le(bytes_.data() + 24 + 16 * count, page);
        quire::store_le(bytes_.data() + first_field_at, static_cast<std::uint32_t>(count + 1));
    }

private:
    [[nodiscard]] std::size_t children() const noexcept {
        return std::min<std::size_t>(quire::load_le<std::uint32_t>(bytes_.data() + first_field_at),
                                     children_max);
    }
    [[nodiscard]] std::uint64_t number(std::size_t at) const noexcept {
        return quire::load_le<std::uint64_t>(bytes_.data() + at);
    }
    std::span<Byte, PageSize> bytes_;
};
static_assert(quire::racy_page_kind<root_page, 4096>);
//! [view]

int main() {
    quire::buffer_pool<> pool{{.frames = 64}};
    auto file = pool.open("tree.db", quire::open_mode::create_or_replace);
    file.append<root_page>().release();
    auto const add = [&](std::uint64_t key, std::uint64_t child) {
        file.with_write<root_page>(0, [=](auto& page) { page.add(key, child); });
    };
    add(0, 1000);

    std::thread writer{[&] {
        for (std::uint64_t i = 1; i < 200; ++i) { add(i * 10, 1000 + i); }
    }};
    std::vector<std::thread> readers;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 2; ++t) {
        readers.emplace_back([&] {
            for (std::uint64_t i = 0; i < 20'000; ++i) {
                std::uint64_t const key = i % 2000;
                //! [read]
                auto const child = file.optimistic_read<root_page>(
                    0, [key](auto const& page) { return page.child(key); });
                //! [read]
                // The writer adds children meanwhile: any child that was right at some time counts.
                if (child < 1000 || child > 1000 + key / 10) { ++wrong; }
            }
        });
    }
    writer.join();
    for (auto& reader : readers) { reader.join(); }
    std::cout << "the child for 1995 is page "
              << file.with_read<root_page>(0, [](auto const& page) { return page.child(1995); })
              << '\n';
    return wrong == 0 ? 0 : 1;
}
