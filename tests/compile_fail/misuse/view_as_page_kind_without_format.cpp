// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: no matching function for call to .*read
// clang-19: no matching member function for call to 'read'
// clang-22: no matching member function for call to 'read'
// why: a page kind can format and recognise its pages.

template <class Byte, std::size_t Size>
struct not_a_kind {
    explicit not_a_kind(std::span<Byte, Size>) {}
};

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(file.read<not_a_kind>(0));
#else
    use(file.read<quire::raw_page>(0));
#endif
}
