// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (must be copy-constructible|use of deleted function)
// clang-19: (must be copy-constructible|deleted)
// clang-22: (must be copy-constructible|deleted)
// why: the task runs when the guard has ended; a closure with a text in it is not copied.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::function<void()> task;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        task = [name = row.get<&user::name>()] { use(name); };
    }
    std::thread worker{task};
    worker.join();
#else
    std::function<void()> task;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        task = [name = std::string{row.get<&user::name>()}] { use(name); };
    }
    std::thread worker{task};
    worker.join();
#endif
}
