// SPDX-License-Identifier: BSL-1.0
// why: a closure that was lent one page hands over the guard of the next.

void legal(file_type file) {
    auto next = file.with_read<heap_page>(
        0, [&](auto const& page) { return file.read<heap_page>(page.number().value() + 1); });
    use(next->size());
}
