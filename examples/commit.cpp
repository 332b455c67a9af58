// SPDX-License-Identifier: BSL-1.0

/// commit: a change of many pages that is whole or not at all, without a log. The new pages go to
/// the end of the file, are flushed, and only then one page, a root, says that they are there.
///
/// Two roots take turns: a write of a page may be torn by a crash, and the other root still says
/// what was there before. A reader takes the newer root of those that can be read.
///
/// What it costs: two flushes a commit, and pages that no root names any more (a crash between the
/// two flushes leaves some at the end).

#include <quire/quire.hpp>

#include <iostream>
#include <optional>

struct root {
    std::uint64_t commits;
    std::uint64_t first_page;
    std::uint64_t pages;
};
BOOST_DESCRIBE_STRUCT(root, (), (commits, first_page, pages))

using quire::heap_page;
using file_type = quire::buffer_pool<>::file;

constexpr quire::slot_id only{0};

//! [newest]
/// The root on page `no`; nothing if the page is torn, or was never written.
std::optional<root> root_on(file_type const& file, std::uint64_t no) try {
    auto page = file.read<heap_page>(no);
    return page->row<root>(only).load();
} catch (quire::error const& e) {
    if (e.kind() == quire::errc::corrupt_page || e.kind() == quire::errc::blank_page) {
        return std::nullopt;
    }
    throw;
}
root newest_root(file_type const& file) {
    auto const a = root_on(file, 0);
    auto const b = root_on(file, 1);
    if (!a && !b) { throw std::runtime_error{"both roots are gone: this takes more than a crash"}; }
    return !b || (a && a->commits > b->commits) ? *a : *b;
}
//! [newest]

void put_root(file_type const& file, root const& value) {
    auto page = file.format<heap_page>(value.commits % 2);  // the older one, whatever it holds
    page->insert(value).value();
}

//! [commit]
/// Replaces what the file has by `count` pages, and makes that durable.
template <class Fill>
void commit(file_type const& file, std::uint64_t count, Fill fill) {
    root next{newest_root(file).commits + 1, file.pages(), count};
    for (std::uint64_t i = 0; i < count; ++i) {
        auto guard = file.append<heap_page>();
        auto page = *guard;
        fill(page);
    }
    file.flush();  // data first ...
    put_root(file, next);
    file.flush();  // ... then the root: from here on it is there
}
//! [commit]

int main() try {
    quire::buffer_pool<> pool{{.frames = 64}};
    auto file = pool.open("commit.db", quire::open_mode::create_or_replace,
                          {.io = quire::io_mode::direct_or_buffered});
    for (std::uint64_t no = 0; no < 2; ++no) {
        auto page = file.append<heap_page>();
        page->insert(root{no, 2, 0}).value();
    }
    file.flush();

    for (std::uint64_t pages : {3U, 5U, 2U}) {
        commit(file, pages, [&](auto& page) { page.insert(root{pages, 0, 0}).value(); });
    }
    auto const now = newest_root(file);
    std::cout << now.commits << " commits, the last of " << now.pages << " pages from page "
              << now.first_page << " on\n";
    file.close();
    return now.commits == 4 && now.pages == 2 ? 0 : 1;
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
