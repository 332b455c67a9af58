// SPDX-License-Identifier: BSL-1.0

/// cursor: an object that walks the rows of a file. It keeps a guard and a slot, and lends a row
/// for one step. A guard cannot be moved, so a cursor cannot be moved either.

#include <quire/quire.hpp>

#include <iostream>

struct word {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(word, (), (text))

using quire::heap_page;
using word_file = quire::buffer_pool<>::file;

//! [cursor]
class cursor {
public:
    explicit cursor(word_file const& words) : words_{words}, page_(words, 0) { settle(); }

    [[nodiscard]] bool at_end() const { return !page_->contains(slot_); }
    /// The macros declare what clang's borrow checks cannot see: the row is a loan of `page_`, and
    /// `next` ends it.
    [[nodiscard]] auto row() const QUIRE_LIFETIMEBOUND QUIRE_PASSES_ON(page_->lent) {
        return page_->row<word>(slot_);
    }
    void next() QUIRE_UNLENT(page_->lent) {
        slot_ = quire::slot_id{slot_.value() + 1U};
        settle();
    }

private:
    /// Advances while the page has no slot left: the next page is latched before this is released.
    void settle() {
        while (slot_.value() >= page_->slot_count()) {
            auto const no = page_.page_no().value() + 1;
            if (no == words_.pages()) { return; }
            page_.advance(words_, no);
            slot_ = quire::slot_id{0};
        }
    }

    word_file words_;
    word_file::read_guard<heap_page> page_;
    quire::slot_id slot_{0};
};
//! [cursor]

int main() try {
    quire::buffer_pool<> pool{{.frames = 64}};
    auto words = pool.open("words.db", quire::open_mode::create_or_replace);
    for (auto const* line : {"a gathering", "of pages", "is a quire"}) {
        auto page = words.append<heap_page>();
        page->insert(word{line}).value();
    }

    for (cursor at{words}; !at.at_end(); at.next()) {
        auto row = at.row();
        std::cout << row.get<&word::text>() << '\n';
    }
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
