// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: describe the struct with BOOST_DESCRIBE_STRUCT
// clang-19: describe the struct with BOOST_DESCRIBE_STRUCT
// clang-22: describe the struct with BOOST_DESCRIBE_STRUCT
// why: a row needs a description, to be read too.

struct thing {
    int a = 0;
};

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<thing>()) { use(row.slot()); }
#else
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) { use(row.slot()); }
#endif
}
