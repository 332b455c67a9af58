// SPDX-License-Identifier: BSL-1.0
// why: values copied from a page that is read without its latch are all from one moment.

void legal(file_type file) {
    auto const copy = file.optimistic_read(0, [](auto const& page) {
        std::array<std::byte, 32> of_it{};
        page.bytes().copy_to(of_it, 64);
        return of_it;
    });
    use(copy[0]);
    use(file.optimistic_read(1, [](auto const& page) { return page.bytes().size(); }));
}
