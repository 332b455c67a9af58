// SPDX-License-Identifier: BSL-1.0
#pragma once

/// backend_parts: the rules of file_backend in words, and what the parts of its check share.

#include <quire/testing/detail/backend_bench.hpp>

namespace quire::inline QUIRE_ABI::testing::detail {

namespace backend_rules {
inline constexpr std::string_view missing =
    "open: what is missing is refused with open_failed and ENOENT, or made: as the mode says";
inline constexpr std::string_view exists =
    "open: create_new refuses what exists with open_failed and EEXIST";
inline constexpr std::string_view keeps =
    "open: what exists keeps its size and its bytes, and is writable as the mode says";
inline constexpr std::string_view replaces =
    "open: create_or_replace empties what exists; refused, it leaves the content as it was";
inline constexpr std::string_view locks =
    "open: one writer or any number of readers, others get file_locked";
inline constexpr std::string_view ranges =
    "open: openers whose locks have no byte in common do not exclude each other";
inline constexpr std::string_view handed_out =
    "submit: every op is handed out, by submit or by a later reap";
inline constexpr std::string_view front =
    "submit: the ops that are complete on return are moved to the front and counted";
inline constexpr std::string_view once =
    "reap: hands out no op twice, and none that was not submitted";
inline constexpr std::string_view finished = "reap: an op that is handed out has its result";
inline constexpr std::string_view foreign =
    "reap: hands out ops that other threads have submitted";
inline constexpr std::string_view room =
    "reap: writes no more pointers than `done` has room for, and returns how many";
inline constexpr std::string_view left_alone =
    "reap: an op that was handed out is not touched again, and neither are its bytes";
inline constexpr std::string_view read_back =
    "submit: what is written is read, whether it travels alone or with its neighbours";
inline constexpr std::string_view own_bytes = "submit: touches only the bytes of its ops";
inline constexpr std::string_view past_end =
    "submit: a read past the end is io_ended, and harms no other op";
inline constexpr std::string_view part =
    "submit: a page of which the file has only a part is io_ended";
inline constexpr std::string_view threads = "submit: threads may submit at once";
inline constexpr std::string_view blocking =
    "transfer: has completed every op when it returns, and reap hands none of them out";
inline constexpr std::string_view reap = "reap: is over soon after `wait`, and at once without ops";
inline constexpr std::string_view interrupt =
    "interrupt: ends the reap that waits, or else the next one";
inline constexpr std::string_view sync = "sync: is 0 when nothing is wrong";
inline constexpr std::string_view resize = "resize: is what size says; new bytes read as zeros";
inline constexpr std::string_view too_large =
    "resize: a size that is too large is refused, and leaves size and bytes";
inline constexpr std::string_view read_only =
    "resize: is refused, as writes are, where the file was opened for reading";
inline constexpr std::string_view close = "close: gives the lock back, and once more does nothing";
inline constexpr std::string_view moved = "file: once moved it is the same file";
}  // namespace backend_rules

template <file_backend Backend>
class backend_parts {
protected:
    using bench = backend_bench<Backend>;
    using opened = typename bench::opened;
    using op = typename bench::op;
    using ops = std::vector<op>;
    static constexpr auto reading = io_verb::read;
    static constexpr auto writing = io_verb::write;

    /// `name` begins the names of the files.
    backend_parts(report& found, bench& b, std::string name)
        : found_{found}, b_{b}, name_{std::move(name)} {}

    /// Each part has files of its own, which begin with its number. An exception breaks `rule`.
    template <class Act>
    void part(std::string_view rule, Act act) {
        suffix_ = name_ + std::to_string(++parts_);
        try {
            found_.section(rule, act);
        } catch (stuck const&) {
            report_hand_outs();
            throw;
        }
        report_hand_outs();
    }
    /// A new file of `pages` pages. It must not exist before.
    struct fresh : opened {
        fresh(backend_parts& check, std::uint64_t pages, std::string const& more = {})
            : opened{check.b_, open_mode::create_new, check.suffix_ + more} {
            check.found_.need(check.b_.resize(this->file, pages) == 0, backend_rules::resize,
                              "growing a new file");
        }
    };
    /// Runs `batch`, whose ops must all be handed out, and gives their errors.
    std::vector<int> done(ops batch) { return b_.run(std::move(batch)); }
    void refused(open_mode mode, errc code, int system, std::string_view rule,
                 file_lock const& lock = file_lock::whole) {
        auto const why = b_.refusal(mode, suffix_, lock);
        found_.expect(why && why->code() == code && (system == 0 || why->system_errno() == system),
                      rule, why ? why->what() : "it was opened");
    }

    report& found_;
    bench& b_;
    std::string suffix_;

private:
    void report_hand_outs() {
        auto const wrong = b_.take_wrong();
        found_.expect(wrong.front == 0, backend_rules::front, "in front, and without a result");
        found_.expect(wrong.count == 0, backend_rules::front, "more, or other pointers");
        found_.expect(wrong.again == 0, backend_rules::once, "an op that is not in flight");
        found_.expect(wrong.unfinished == 0, backend_rules::finished);
        found_.expect(wrong.room == 0, backend_rules::room);
    }

    std::string name_;
    int parts_ = 0;
};

}  // namespace quire::inline QUIRE_ABI::testing::detail
