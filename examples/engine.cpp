// SPDX-License-Identifier: BSL-1.0

/// engine: a small database engine over Debian's package list.
///
///     engine load [FILE]           makes engine.db of FILE (/var/lib/dpkg/status)
///     engine depends PACKAGE       everything that it needs, directly or not
///     engine largest N             the N largest packages, in KiB
///     engine install PACKAGE...    with everything that they need: all of it, or nothing
///     engine race A B              installs both from two threads, which run into a deadlock
///     engine check                 what is wrong in the file, or not whole
///     engine                       all of these
///
/// query - execution - transaction - lock manager - log - pool - disk: the last three are quire's.
/// The list is of packages that can be installed: after `load` none is. What one needs and the list
/// does not have is passed over. `--crash-after N` kills the program at a step of its commit.

#include <quire/quire.hpp>
#include <quire/table/table.hpp>
#include "stanzas.hpp"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <latch>
#include <map>
#include <thread>

#include <unistd.h>

namespace {

struct package {
    std::string name, version, section;
    std::uint64_t size_kib = 0;
    bool installed = false;
};
BOOST_DESCRIBE_STRUCT(package, (), (name, version, section, size_kib, installed))
struct dependency {
    std::string user, needs;
    bool in_use = false;  // the user is installed
};
BOOST_DESCRIBE_STRUCT(dependency, (), (user, needs, in_use))
using names = std::set<std::string>;

// ---- lock manager: locks on keys, shared or exclusive ---------------------------------------
enum class lock_mode : std::uint8_t { shared, exclusive };
struct lock_timeout : std::runtime_error { using runtime_error::runtime_error; };

class lock_manager {
public:
    /// A wait that is too long is taken for a deadlock. Waits differ in length: of two transactions
    /// that wait for each other, one gives up first.
    void acquire(std::uint64_t who, std::string const& key, lock_mode mode) {
        std::unique_lock hold{mutex_};
        auto const is_free = [&] {
            auto const& all = locks_[key];
            return std::all_of(all.begin(), all.end(), [&](auto const& one) {
                return one.first == who || std::max(mode, one.second) == lock_mode::shared;
            });
        };
        if (!released_.wait_for(hold, std::chrono::milliseconds{100 + who % 4 * 100}, is_free)) {
            throw lock_timeout{"timed out, perhaps in a deadlock, at the lock of " + key};
        }
        auto& mine = locks_[key].try_emplace(who, mode).first->second;
        mine = std::max(mine, mode);
    }
    void release_all(std::uint64_t who) {
        std::lock_guard const hold{mutex_};
        for (auto& lock : locks_) { lock.second.erase(who); }
        std::erase_if(locks_, [](auto const& lock) { return lock.second.empty(); });
        released_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable released_;
    std::map<std::string, std::map<std::uint64_t, lock_mode>> locks_;  // who has each of them
};

// ---- log, pool and disk ---------------------------------------------------------------------
struct store {
    explicit store(quire::open_mode as) : db{pool, pool.open("engine.db", as, {.logged = true})} {}
    /// What a transaction changes is one record of the log: half of the buffer at most.
    quire::redo_log<> log{"engine.log", {.buffer_bytes = std::size_t{8} << 20}};
    quire::buffer_pool<> pool{{.frames = 4096}, log};
    quire::catalog<> db;  // opening its file mends what a crash has left
    quire::table<package, quire::unique<&package::name>> packages{db, "packages"};
    quire::table<dependency, quire::indexed<&dependency::user>, quire::indexed<&dependency::needs>>
        dependencies{db, "dependencies"};
    lock_manager locks;
    std::atomic<std::uint64_t> transactions = 0;
    std::uint64_t crash_after = 0;
    void step() {
        if (crash_after > 0 && --crash_after == 0) { std::raise(SIGKILL); }
    }
};

// ---- transaction: strict two-phase locks, and one change of the pool -------------------------
/// Reads under locks, and notes its writes. The commit makes them all in one change. Before that no
/// page is held, so nobody waits for a lock with a page in hand. The price: a transaction does not
/// read what it will write; but its writes see each other. Without a commit nothing has happened.
class transaction : quire::immovable {
public:
    store& data;
    explicit transaction(store& of) : data{of}, number_{++of.transactions} {}
    ~transaction() { data.locks.release_all(number_); }

    /// Locks the package and the dependencies of that name, or that there are none, to the end.
    void lock(std::string const& name, lock_mode how) { data.locks.acquire(number_, name, how); }
    /// `fn(change)` at the commit, perhaps several times. Expects: exclusive locks of its rows.
    void write(std::function<void(quire::change<>&)> fn) { writes_.push_back(std::move(fn)); }
    /// Returns what a sync of the log must cover to make it durable.
    std::uint64_t commit() {
        return data.pool.change([&](quire::change<>& change) {
            for (auto const& fn : writes_) { fn(change); }
        });
    }

private:
    std::uint64_t number_;
    std::vector<std::function<void(quire::change<>&)>> writes_;
};

/// `fn(transaction)` and its commit, durable when this returns. Others wait for its locks until
/// then. After a deadlock it is undone, and runs again.
void in_transaction(store& data, auto fn) {
    for (int attempt = 1;; ++attempt) try {
        transaction one{data};
        fn(one);
        auto const at = one.commit();
        data.step();
        data.log.sync(at);
        return data.step();
    } catch (lock_timeout const& why) {
        if (attempt == 10) { throw; }
        std::cerr << std::string{why.what()} + ": undone, and tried again\n";
        std::this_thread::sleep_for(std::chrono::milliseconds{20 * attempt});  // the other goes on
    }
}

// ---- execution: operators that are pulled ---------------------------------------------------
// `next(fn)` lends the next row to `fn`; false: there is none. The row lies in its page while `fn`
// runs, under the page's latch, and all operators see it there. `fn` does not use the pool.
//
// What is copied: a table lends rows in loops of its own, and its cursors copy each. So scans copy
// the ids of their rows first, and `next` reads one by its id, if it is still there. A join copies
// the columns of the left row that go up, and an aggregate what it adds up.

template <class Table>
struct rows_by_id {
    Table const& table;
    std::vector<quire::record_id> ids;
    std::size_t at = 0;
    bool next(auto fn) {
        while (at < ids.size()) {
            if (table.read(ids[at++], [&](auto const& row) { fn(row); })) { return true; }
        }
        return false;
    }
};

template <class Source, class Test>
struct filter {
    Source source;
    Test test;
    bool next(auto fn) {
        bool passed = false;
        while (!passed && source.next([&](auto const&... row) {
            if ((passed = test(row...))) { fn(row...); }
        })) {}
        return passed;
    }
};

template <class Table>
auto table_scan(Table const& table) {
    std::vector<quire::record_id> ids;
    table.scan([&](quire::record_id id, auto const&) { ids.push_back(id); });
    return rows_by_id<Table>{table, std::move(ids)};
}

/// `how` is a key, or a change and a key.
template <auto Member>
auto ids_of(auto const& table, auto&... how) {
    std::vector<quire::record_id> ids;
    table.template find<Member>(how..., [&](auto id, auto const&) { ids.push_back(id); });
    return ids;
}
template <auto Member, class Table>
auto index_scan(Table const& table, std::string const& key) {
    auto const still = [key](auto const& row) { return row.template get<Member>() == key; };
    return filter{rows_by_id<Table>{table, ids_of<Member>(table, key)}, still};
}

/// `keep(row)` is what is copied of a row of the left side, and `find(kept)` scans the rows of the
/// right one that belong to it. Lends `kept` and the right row.
template <class Left, class Keep, class Find, class Kept>
struct join {
    Left left;
    Keep keep;
    Find find;
    Kept kept;
    std::optional<std::invoke_result_t<Find&, Kept const&>> right = {};
    bool next(auto fn) {
        while (!right || !right->next([&](auto const& row) { fn(kept, row); })) {
            if (!left.next([&](auto const& row) { kept = keep(row); })) { return false; }
            right.emplace(find(kept));
        }
        return true;
    }
};

/// The top of a query: `fold(sum, row)` for all rows, then the sum.
auto aggregate(auto source, auto sum, auto fold) {
    while (source.next([&](auto const&... row) { fold(sum, row...); })) {}
    return sum;
}

// ---- query ------------------------------------------------------------------------------------
/// The package and everything that it needs, locked.
names with_needs(transaction& all, std::string const& name, lock_mode mode) {
    names found{name};
    for (std::vector<std::string> todo{name}; !todo.empty();) {
        auto const user = std::move(todo.back());
        todo.pop_back();
        all.lock(user, mode);
        auto rows = index_scan<&dependency::user>(all.data.dependencies, user);
        while (rows.next([&](auto const& row) {
            auto const [needs, is_new] = found.emplace(row.template get<&dependency::needs>());
            if (is_new) { todo.push_back(*needs); }
        })) {}
    }
    if (all.data.packages.id_of<&package::name>(name)) { return found; }
    throw std::runtime_error{"there is no package " + name};
}

auto largest(store const& data, std::size_t count) {
    std::set<std::pair<std::int64_t, std::string>> none;  // less KiB: the largest is the first
    return aggregate(table_scan(data.packages), none, [&](auto& top, auto const& row) {
        auto const& [name, version, section, kib, installed] = row;
        top.emplace(-static_cast<std::int64_t>(kib), name);
        if (top.size() > count) { top.erase(std::prev(top.end())); }
    });
}

void install(transaction& all, std::string const& asked) {
    auto& data = all.data;
    for (auto const& name : with_needs(all, asked, lock_mode::exclusive)) {
        all.write([&data, name](quire::change<>& change) {
            for (auto const id : ids_of<&package::name>(data.packages, change, name)) {
                data.step();
                data.packages.update(change, id, [](package& one) { one.installed = true; });
            }
            for (auto const id : ids_of<&dependency::user>(data.dependencies, change, name)) {
                data.step();
                data.dependencies.update(change, id, [](dependency& one) { one.in_use = true; });
            }
        });
    }
}

/// Each thread has one package when it asks for the other. In the end both are installed.
void race(store& data, std::string const& a, std::string const& b) {
    std::latch both{2};
    auto const run = [&](std::string const& first, std::string const& second) {
        bool met = false;
        in_transaction(data, [&](transaction& one) {
            one.lock(first, lock_mode::exclusive);
            if (!std::exchange(met, true)) { both.arrive_and_wait(); }
            install(one, second);
            install(one, first);
        });
    };
    auto other = std::async(std::launch::async, run, b, a);
    run(a, b);
    other.get();
}

/// Whether the file is sound, and of every package that is installed all dependencies are in use,
/// and what they need is installed.
void check(store const& data) {
    std::set<quire::page_no> reached;
    for (auto const& all : {data.packages.check(reached), data.dependencies.check(reached),
                            data.db.check(reached)}) {
        if (!all.empty()) { throw std::runtime_error{"engine.db: " + all.front().text}; }
    }
    for (auto const key : {&dependency::user, &dependency::needs}) {
        auto const keep = [](auto const& row) {
            auto const& [user, needs, in_use] = row;
            return dependency{std::string{user}, std::string{needs}, in_use};
        };
        auto const find = [&](dependency const& one) {
            return index_scan<&package::name>(data.packages, one.*key);
        };
        join pairs{table_scan(data.dependencies), keep, find, dependency{}};
        while (pairs.next([&](dependency const& one, auto const& row) {
            bool const installed = row.template get<&package::installed>();
            if (key == &dependency::user ? one.in_use != installed : one.in_use && !installed) {
                throw std::runtime_error{"not whole: " + one.user + " needs " + one.needs};
            }
        })) {}
    }
    auto const is_installed = [](auto const& r) { return r.template get<&package::installed>(); };
    auto const count = [](int& sum, auto const&) { ++sum; };
    std::cout << "whole; installed: "
              << aggregate(filter{table_scan(data.packages), is_installed}, 0, count) << '\n';
}

// ---- load -------------------------------------------------------------------------------------
/// A transaction for each package, with its dependencies. A stanza that is malformed or too long,
/// or whose package is there already, is reported and left out.
void load(store& data, std::string const& path) {
    int loaded = 0;
    for_each_stanza(path, [&](std::size_t line_no, auto const& fields) {
        try {
            transaction one{data};
            one.write([&, row = package_of(fields)](quire::change<>& change) {
                data.packages.insert(change, {row.name, row.version, row.section, row.size_kib});
                for (auto const& needed : row.needs) {
                    data.dependencies.insert(change, {row.name, needed});
                }
            });
            one.commit();
            ++loaded;
        } catch (std::runtime_error const& why) {
            auto const* const failed = dynamic_cast<quire::error const*>(&why);
            if (failed != nullptr && failed->code() != quire::errc::duplicate_key &&
                failed->code() != quire::errc::tuple_too_large) {
                throw;
            }
            std::cerr << path << ':' << line_no << ": left out: " << why.what() << '\n';
        }
        if (::isatty(STDERR_FILENO) != 0) { std::cerr << "loaded: " << loaded << '\r'; }
    });
    std::cout << loaded << " packages loaded\n";
}

// ---- command line -----------------------------------------------------------------------------
void run(std::vector<std::string> const& words, std::uint64_t crash_after = 0) {
    auto const is = [&](char const* name, bool fits) { return words[0] == name && fits; };
    bool const is_load = is("load", words.size() < 3);
    std::string const path = words.size() > 1 ? words[1] : "/var/lib/dpkg/status";
    if (std::ifstream{is_load ? path : "engine.db"}.peek() == EOF) {
        throw std::runtime_error{is_load ? "cannot read " + path : "no engine.db here: load it"};
    }
    store data{is_load ? quire::open_mode::create_or_replace : quire::open_mode::read_write};
    data.crash_after = crash_after;
    if (is_load) {
        load(data, path);
    } else if (is("depends", words.size() == 2)) {
        names found;
        in_transaction(data, [&](auto& t) { found = with_needs(t, words[1], lock_mode::shared); });
        found.erase(words[1]);
        for (auto const& name : found) { std::cout << name << '\n'; }
    } else if (is("largest", words.size() == 2)) {
        for (auto const& [kib, name] : largest(data, number_in(words[1]))) {
            std::cout << -kib << ' ' << name << '\n';
        }
    } else if (is("install", words.size() > 1)) {
        in_transaction(data, [&](transaction& all) {
            std::for_each(words.begin() + 1, words.end(), [&](auto& name) { install(all, name); });
        });
    } else if (is("race", words.size() == 3 && words[1] != words[2])) {
        race(data, words[1], words[2]);
    } else if (is("check", words.size() == 1)) {
        check(data);
    } else {
        throw std::runtime_error{"usage: engine [--crash-after N] load [FILE] | depends PACKAGE | "
                                 "largest N | install PACKAGE... | race A B | check"};
    }
    data.db.close();
}

}  // namespace

int main(int argc, char** argv) try {
    std::vector<std::string> words(argv + 1, argv + argc);
    std::uint64_t crash_after = 0;
    if (words.size() > 2 && words[0] == "--crash-after") {
        crash_after = number_in(words[1]);
        words.erase(words.begin(), words.begin() + 2);
    }
    if (!words.empty()) { return run(words, crash_after), 0; }
    run({"load"});
    run({"largest", "10"});
    auto const top = largest(store{quire::open_mode::read_write}, 5);
    for (auto const& one : top) { words.push_back(one.second); }
    run({"depends", words.at(2)});
    run({"install", words.at(0), words.at(2)});
    run({"race", words.at(3), words.at(4)});
    run({"check"});
} catch (std::exception const& e) {
    std::cerr << "engine: " << e.what() << '\n';
    return 1;
}
