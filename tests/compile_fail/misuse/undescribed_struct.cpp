// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: describe the struct with BOOST_DESCRIBE_STRUCT
// clang-19: describe the struct with BOOST_DESCRIBE_STRUCT
// clang-22: describe the struct with BOOST_DESCRIBE_STRUCT
// why: a row needs a description.

struct plain {
    int a = 0;
};

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->insert(plain{}));
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(user{}));
#endif
}
