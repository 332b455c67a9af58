// SPDX-License-Identifier: BSL-1.0
// why: each thread has its own guards.

void legal(file_type file) {
    std::vector<std::thread> threads;
    for (std::uint64_t no = 0; no < 4; ++no) {
        threads.emplace_back([file, no] {
            auto page = file.read<heap_page>(no);
            use(page->size());
        });
    }
    for (auto& thread : threads) { thread.join(); }
}
