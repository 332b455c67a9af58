// SPDX-License-Identifier: BSL-1.0
#pragma once

/// busy_growth: a page that whoever makes the file grow next will wait for, while a test holds it.

#include <quire/table/catalog.hpp>
#include <quire/table/free_page.hpp>

namespace quire_test {

/// A free page of the file, the first one.
template <class Catalog>
quire::page_no make_free_page(Catalog& db) {
    quire::page_no no;
    db.in_one_change([&](auto& changes) {
        auto const page = db.template allocate<quire::free_page>(changes);
        no = page.page_no();
    });
    db.in_one_change([&](auto& changes) { db.free(changes, no); });
    return no;
}

}  // namespace quire_test
