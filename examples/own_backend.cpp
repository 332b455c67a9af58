// SPDX-License-Identifier: BSL-1.0

/// own_backend: your own backend, checked, and in a pool. It counts the calls of the pool, and
/// memory_backend does the work.

#include <quire/quire.hpp>
#include <quire/testing/check_backend.hpp>

#include <iostream>
#include <memory>

//! [backend]
struct io_counts {
    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> reads{0};
    std::atomic<std::uint64_t> writes{0};
    std::atomic<std::uint64_t> syncs{0};
};

class counting_backend : public quire::memory_backend {
public:
    struct options {
        std::shared_ptr<io_counts> counts = std::make_shared<io_counts>();
    };
    counting_backend(std::span<std::byte> arena, options const& given)
        : memory_backend{arena, {}}, counts_{given.counts} {}

    std::size_t submit(std::span<quire::io_op<file>*> ops) noexcept {
        ++counts_->batches;
        for (auto const* op : ops) {  // before they are submitted: they may be gone afterwards
            ++(op->verb == quire::io_verb::read ? counts_->reads : counts_->writes);
        }
        return memory_backend::submit(ops);
    }
    int sync(file& f) noexcept {
        ++counts_->syncs;
        return memory_backend::sync(f);
    }

private:
    std::shared_ptr<io_counts> counts_;
};
static_assert(quire::file_backend<counting_backend>);
//! [backend]

int main() try {
    auto const found = quire::testing::check_backend<counting_backend>();
    std::cout << found.text();

    counting_backend::options const options;
    quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, counting_backend> pool{
        {.frames = 8, .backend = options}};
    auto file = pool.open("counted", quire::open_mode::open_or_create);
    for (int page = 0; page < 20; ++page) { file.append<quire::heap_page>().release(); }
    file.flush();
    for (std::uint64_t page = 0; page < 20; ++page) {
        auto const guard = file.read<quire::heap_page>(page);
    }
    auto const& seen = *options.counts;
    std::cout << seen.reads << " reads and " << seen.writes << " writes in " << seen.batches
              << " batches, " << seen.syncs << " syncs\n";
    return found.passed() && seen.writes >= 20 && seen.reads > 0 && seen.syncs > 0 ? 0 : 1;
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
