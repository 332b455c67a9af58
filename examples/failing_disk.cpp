// SPDX-License-Identifier: BSL-1.0

/// failing_disk: what happens to your pages when the disk fails, or the power does.
///
/// Two accounts in two pages; a transfer changes both. Part one lets the n-th write, sync or growth
/// fail, for n = 0, 1, 2, ... until the program makes no such call. Part two checks every state of
/// the file that a crash can leave. quire promises for each page alone: it is the old page, the new
/// page, or an error. To change two pages together, use a log.

#include <quire/quire.hpp>

#include <quire/testing/crash_backend.hpp>
#include <quire/testing/faulty_backend.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

using quire::testing::io_call;

constexpr std::size_t balance = 16;     // its place in a page, behind the seal
constexpr std::size_t changes = 2'048;  // how often it has changed

void expect(bool holds, char const* what) {
    if (!holds) {
        std::printf("this must not happen: %s\n", what);
        std::exit(1);
    }
}

template <class File>
std::int64_t balance_of(File const& file, std::uint64_t account) {
    auto const page = file.read(account);
    return page->bytes().template load<std::int64_t>(balance);
}
template <class File>
void add(File const& file, std::uint64_t account, std::int64_t amount) {
    auto page = file.write(account);
    auto bytes = page->bytes();
    auto const before = bytes.template load<std::int64_t>(balance);
    bytes.template store<std::int64_t>(balance, before + amount);
    bytes.template store<std::uint32_t>(changes, bytes.template load<std::uint32_t>(changes) + 1);
}
template <class File>
void make_accounts(File const& file) {
    for (int i = 0; i < 2; ++i) { file.append().release(); }
    add(file, 0, 100);
    file.flush();
}

/// Whether there was an n-th such call, which then failed.
bool transfer_with_fault(io_call call, std::uint64_t n) {
    auto store = std::make_shared<quire::memory_store>();
    auto faults = std::make_shared<quire::testing::fault_plan>();
    using backend = quire::testing::faulty_backend<quire::memory_backend>;
    quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, backend> pool{
        {.frames = 8, .backend = {{store}, faults}}};
    auto file = pool.open("accounts", quire::open_mode::open_or_create);
    make_accounts(file);
    add(file, 0, -30);
    add(file, 1, +30);
    faults->add({.call = call, .nth = n});
    try {
        file.append().release();
        file.flush();
    } catch (quire::error const& e) {
        std::printf("  number %d: %s\n", static_cast<int>(n), e.what());
    }
    faults->clear();
    expect(balance_of(file, 0) == 70 && balance_of(file, 1) == 30, "a change is lost");
    try {
        file.flush();
    } catch (quire::error const& e) {
        expect(e.kind() == quire::errc::sync_failed, "a flush fails without a fault");
        file.close(quire::unwritten::discard);  // after a sync error the file refuses writes
    }
    return faults->fired() > 0;
}

void crash_in_transfer() {
    auto disk = std::make_shared<quire::testing::crash_disk>();
    quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, quire::testing::crash_backend>
        pool{{.frames = 8, .backend = {disk}}};
    auto file = pool.open("accounts", quire::open_mode::open_or_create);
    make_accounts(file);
    add(file, 0, -30);
    add(file, 1, +30);
    file.write_back();  // written, and not synced
    auto const left = disk->states("accounts");

    int whole = 0;
    int half = 0;
    int torn = 0;
    auto store = std::make_shared<quire::memory_store>();
    using pool_type = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch,
                                         quire::memory_backend>;
    pool_type recovering{{.frames = 8, .backend = {store}}};
    for (std::uint64_t n = 0; n < left.count(); ++n) {
        store->assign("crashed", left.state(n));
        auto const found = recovering.open("crashed");
        try {
            auto const sum = balance_of(found, 0) + balance_of(found, 1);
            ++(sum == 100 ? whole : half);
        } catch (quire::error const& e) {
            expect(e.kind() == quire::errc::corrupt_page, "a torn page is something else");
            ++torn;
        }
        found.close();
    }
    std::printf("a crash leaves %d states: both pages old or new %d, one of each %d, torn %d\n",
                static_cast<int>(left.count()), whole, half, torn);
    expect(whole > 0 && half > 0 && torn > 0, "a kind of state is missing");
}

}  // namespace

int main() {
    for (auto const call : {io_call::write, io_call::sync, io_call::resize}) {
        std::printf("the n-th call fails:\n");
        for (std::uint64_t n = 0; transfer_with_fault(call, n); ++n) {}
    }
    crash_in_transfer();
}
