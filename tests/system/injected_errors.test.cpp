// SPDX-License-Identifier: BSL-1.0

/// Every system call that a pool makes on its file fails, the first, the second, and so on until
/// there are no more: once, twice in a row, and from then on. strace does that to this program,
/// which it runs with a workload (workload.hpp) instead of a test; the pool is unmodified.
///
/// Expected of each run
///   - the program ends by itself, and well: no signal, no exception without a type;
///   - every error has a code that belongs to the call, and the injected errno;
///   - a call that was interrupted once or twice is made again, and nobody hears of it;
///   - the promises that the workload looks at hold throughout;
///   - afterwards, without faults, the file opens and has every acknowledged byte.
///
/// A pool tries a failed transfer again page by page, so one failure of a write goes unheard: hence
/// two in a row. Interruptions without end are a failure; they are tried with transfers only.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "system/workload.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include <fcntl.h>
#include <sys/auxv.h>

namespace fs = std::filesystem;
using quire::errc;
using quire_test::outside_record;
using quire_test::workload;

namespace {

constexpr char const* name = "injected errors: the workload without faults";
constexpr char const* told_by = "QUIRE_FAULT_WORKLOAD";  // the folder: this run is the workload

struct call_under_test {
    char const* name;
    std::vector<errc> kinds;    ///< what its failure is to the pool's user
    std::vector<int> repeated;  ///< errnos after which it is made again
    bool never_again = false;   ///< one failure is enough to be told
};
std::vector<call_under_test> const& calls() {
    static std::vector<call_under_test> const all{
        {"preadv", {errc::read_failed}, {EINTR, EAGAIN}},
        {"pwritev", {errc::write_failed}, {EINTR, EAGAIN}},
        {"fdatasync", {errc::sync_failed}, {EINTR}, true},
        {"fsync", {errc::open_failed}, {EINTR}, true},
        {"fallocate", {errc::grow_failed}, {EINTR}},
        {"ftruncate", {errc::grow_failed}, {EINTR}},
        {"lseek", {errc::read_failed, errc::grow_failed}, {EINTR}},
        {"fcntl", {errc::open_failed, errc::file_locked, errc::direct_io_refused}, {EINTR}},
        {"openat", {errc::open_failed}, {EINTR}},
        {"close", {errc::close_failed}, {EINTR}},
    };
    return all;
}

struct fault {
    std::string call;
    std::string what;  ///< error=EIO, retval=0
    std::string when;  ///< 3, 3..4, 3+
};

bool contains(auto const& all, auto const& one) {
    return std::find(std::begin(all), std::end(all), one) != std::end(all);
}

/// How strace, and so the program, ended: 127 if there is no strace.
int run_under_strace(fs::path const& dir, fault const& f) {
    auto const self =
        fs::absolute(reinterpret_cast<char const*>(::getauxval(AT_EXECFN))).string();
    auto const file = (dir / "f").string();
    auto const folder = dir.string();
    std::vector<std::string> words{"strace", "-f", "-qq", "-o", dir / "trace",
                                   // The file and its folder, which is opened as "folder/".
                                   "-P", file, "-P", folder, "-P", folder + "/",
                                   "-e", "trace=" + f.call,
                                   "-e", "inject=" + f.call + ":" + f.what + ":when=" + f.when,
                                   self, name};
    std::vector<char*> arguments;
    for (auto& word : words) { arguments.push_back(word.data()); }
    arguments.push_back(nullptr);
    ::pid_t const child = ::fork();
    if (child == 0) {
        int const out = ::open((dir / "said").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::dup2(out, STDOUT_FILENO);
        ::dup2(out, STDERR_FILENO);
        ::setenv(told_by, dir.c_str(), 1);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

std::string text_of(fs::path const& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// What the pool's user finds after the run.
std::string look_again(fs::path const& dir, outside_record& record) {
    quire_test::plain_pool pool{quire_test::frames(4)};
    bool const made = fs::exists(dir / "f");
    auto const file = pool.open(dir / "f", quire::open_mode::open_or_create,
        quire_test::as_offered);
    auto verdict = record.judge(file, false);
    if (!made && verdict.compared > 0) { verdict.problem += "the file is gone"; }
    for (std::uint64_t no = 0; no < file.pages(); ++no) {
        auto page = file.format(no);
        quire_test::stamp(*page, 77);
    }
    file.close();
    return verdict.problem;
}

struct outcome {
    bool injected = false;
    std::size_t errors = 0;
    std::string problem;
};

outcome run_with(fault const& f, call_under_test const* call, int injected) {
    quire_test::temp_dir const temporary;
    auto const dir = fs::canonical(temporary.path());
    int const status = run_under_strace(dir, f);
    auto const trace = text_of(dir / "trace");
    outcome result{trace.find("(INJECTED)") != std::string::npos, 0, {}};
    if (status != 0) {
        result.problem = "ended with " + std::to_string(status) + ": " + text_of(dir / "said");
        return result;
    }
    outside_record record{dir / "record"};
    auto const& state = record.state();
    result.errors = state.error_count;
    result.problem = state.problem.data();
    for (std::size_t i = 0; i < result.errors; ++i) {
        auto const e = state.errors.at(i);
        auto const kind = static_cast<errc>(e.kind);
        int const told = kind == errc::file_locked ? 0 : injected;  // its errno says no more
        bool const fits = call != nullptr && e.system == told && contains(call->kinds, kind);
        if (!fits) {
            result.problem += "error " + std::to_string(e.kind) + " with errno " +
                              std::to_string(e.system) + "; ";
        }
    }
    bool const bounded = f.when.find('+') == std::string::npos;
    if (call != nullptr && bounded && contains(call->repeated, injected) && result.errors > 0) {
        result.problem += "was not repeated; ";
    }
    result.problem += look_again(dir, record);
    return result;
}

/// Whether strace is here and may trace: a run with no fault in it must go well.
bool can_inject() {
    static bool const can = [] {
        quire_test::temp_dir const dir;
        return fs::exists("/proc/self/fd") &&  // where strace looks up the file of a descriptor
               run_under_strace(fs::canonical(dir.path()),
                                {"fdatasync", "error=EIO", "10000"}) == 0;
    }();
    return can;
}
constexpr char const* no_strace = "there is no strace or no /proc here, or it must not trace";

struct error_kind {
    char const* name;
    int number;
};
constexpr error_kind errors[]{{"EIO", EIO}, {"EINTR", EINTR}, {"ENOSPC", ENOSPC},
                              {"EAGAIN", EAGAIN}};

enum class how { once, twice, from_then_on };

std::string when(how h, int n) {
    auto const first = std::to_string(n);
    switch (h) {
        case how::once: return first;
        case how::twice: return first + ".." + std::to_string(n + 1);
        case how::from_then_on: break;
    }
    return first + "+";
}

/// Whether the run is one of the short form: all calls, all errors, every n, but not all at once.
bool in_short_form(std::size_t error, how h, int n) {
    if (n == 1) { return h != how::from_then_on; }
    auto const turn = (static_cast<std::size_t>(n) + error) % 4;
    if (h == how::twice) { return turn == 0; }
    return n % 2 == 0 && turn == (h == how::once ? 1 : 3);
}

/// A call that is interrupted for ever is given up after a thousand tries, which take their time
/// under strace: tried with transfers only.
bool left_out(call_under_test const& call, int error, how h, int n) {
    if (h != how::from_then_on || !contains(call.repeated, error)) { return false; }
    bool const transfer = contains(call.repeated, EAGAIN);
    return !transfer || !quire_test::long_form() || n % 5 != 1;
}

}  // namespace

// Also what strace runs: then the folder is in the environment, and this ends the program.
TEST_CASE("injected errors: the workload without faults") {
    if (char const* const told = std::getenv(told_by); told != nullptr) {
        ::alarm(50);  // a hang is a signal
        outside_record record{fs::path{told} / "record"};
        workload{fs::path{told} / "f", record}.run();
        ::_exit(0);
    }
    quire_test::temp_dir const dir;
    outside_record record{dir / "record"};
    workload{dir / "f", record}.run();
    CHECK(std::string{record.state().problem.data()} == "");
    CHECK(record.state().error_count == 0);
    CHECK(record.state().flushes == 7);
    CHECK(look_again(dir.path(), record) == "");
}

namespace {

/// Time for the short form: what a busy machine has not done by then it leaves out.
class time_limit {
public:
    [[nodiscard]] bool over() const {
        return !quire_test::long_form() && std::chrono::steady_clock::now() > end_;
    }

private:
    std::chrono::steady_clock::time_point end_ =
        std::chrono::steady_clock::now() + std::chrono::seconds{25};
};

/// All runs of one call with one error. How many there were.
std::uint64_t fail_in_turn(call_under_test const& call, std::size_t e, time_limit const& time) {
    std::uint64_t runs = 0;
    std::size_t heard = 0;
    for (auto h : {how::twice, how::once, how::from_then_on}) {
        bool left = true;
        for (int n = 1; left && n < 100; ++n) {
            if (time.over()) {
                std::cout << "left out: " << call.name << ' ' << errors[e].name << " from "
                          << when(h, n) << " on\n";
                return runs;
            }
            if (left_out(call, errors[e].number, h, n)) { continue; }
            if (!quire_test::long_form() && !in_short_form(e, h, n)) { continue; }
            fault const f{call.name, std::string{"error="} + errors[e].name, when(h, n)};
            auto const result = run_with(f, &call, errors[e].number);
            INFO(f.call << " " << f.what << " when=" << f.when);
            CHECK(result.problem == "");
            if (h == how::once || !call.never_again) { heard += result.errors; }
            left = result.injected;
            ++runs;
        }
    }
    CAPTURE(call.name, errors[e].name);
    if (!contains(call.repeated, errors[e].number)) { CHECK(heard > 0); }
    return runs;
}

void fail_in_turn(std::vector<std::string> const& names) {
    if (!can_inject()) { return skip(no_strace); }
    time_limit const time;
    std::uint64_t runs = 0;
    for (auto const& call : calls()) {
        if (!contains(names, call.name)) { continue; }
        for (std::size_t e = 0; e < std::size(errors); ++e) { runs += fail_in_turn(call, e, time); }
    }
    quire_test::figure("runs with an injected error", runs);
}

}  // namespace

TEST_CASE("injected errors: reads and writes fail in turn, and what was acknowledged is there",
          "[long][kill]") {
    fail_in_turn({"preadv", "pwritev"});
}

TEST_CASE("injected errors: syncs and changes of size fail in turn", "[long][kill]") {
    fail_in_turn({"fdatasync", "fsync", "fallocate", "ftruncate", "lseek"});
}

TEST_CASE("injected errors: what opens, locks and closes fails in turn", "[long][kill]") {
    fail_in_turn({"fcntl", "openat", "close"});
}

// A write of no bytes is made again; a read of none is the end of the file, and an error.
TEST_CASE("injected errors: transfers that move nothing are repeated, or typed", "[long][kill]") {
    if (!can_inject()) { return skip(no_strace); }
    call_under_test const reading{"preadv", {errc::short_read}, {}};
    call_under_test const writing{"pwritev", {}, {0}};
    time_limit const time;
    std::uint64_t runs = 0;
    for (auto const* call : {&reading, &writing}) {
        std::size_t heard = 0;
        for (auto h : {how::once, how::twice}) {
            // One empty read goes unheard: the pool asks again.
            bool left = h == (call == &reading ? how::twice : how::once) ||
                        quire_test::long_form();
            for (int n = 1; left && n < 100 && !time.over(); ++n) {
                fault const f{call->name, "retval=0", when(h, n)};
                auto const result = run_with(f, call, 0);
                INFO(f.call << " " << f.what << " when=" << f.when);
                CHECK(result.problem == "");
                heard += result.errors;
                left = result.injected;
                ++runs;
            }
        }
        if (!time.over()) { CHECK((heard > 0) == (call == &reading)); }
    }
    quire_test::figure("runs with an empty transfer", runs);
}
