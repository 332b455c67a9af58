// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: a pointer, a reference or a second name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: stack-use-after-scope
// why: `*guard` is a temporary, which ends with its line (lent_page.hpp).

template <class Page>
class scanner {
public:
    explicit scanner(Page const& page) : page_{page} {}
    std::size_t size() const { return page_.size(); }

private:
    Page const& page_;
};
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto guard = file.read<heap_page>(0);
    scanner const scan{*guard};
    use(scan.size());
#else
    auto guard = file.read<heap_page>(0);
    auto const page = *guard;
    scanner const scan{page};
    use(scan.size());
#endif
}
