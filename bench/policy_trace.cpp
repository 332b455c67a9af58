// SPDX-License-Identifier: BSL-1.0

/// policy_trace: the misses of a policy on your trace.
///
///     policy_trace FILE POLICY FRAMES
///
/// FILE has one page number a line, in the order of use; "-" is the standard input. Prints the
/// requests, the misses of a real pool of FRAMES frames with that policy, and the fewest that any
/// policy could have (Belady's optimum). Exit status 2 when the file or an argument is wrong.

#include "belady.hpp"
#include "replay.hpp"

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

constexpr char const* usage = "usage: policy_trace FILE POLICY FRAMES";

/// An error that the user has to correct. Exit status 2.
struct bad_input : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    auto const end = text.data() + text.size();
    auto const [stopped, failure] = std::from_chars(text.data(), end, value);
    if (failure != std::errc{} || stopped != end) { return std::nullopt; }
    return value;
}

quire_bench::trace read_trace(std::istream& in, std::string const& name) {
    quire_bench::trace found;
    std::string line;
    while (std::getline(in, line)) {
        if (!line.empty() && line.back() == '\r') { line.pop_back(); }
        auto const no = number(line);
        if (!no) {
            throw bad_input{name + ":" + std::to_string(found.size() + 1) +
                            ": not a page number: \"" + line.substr(0, 40) + "\""};
        }
        found.push_back(*no);
    }
    if (in.bad()) { throw bad_input{name + ": cannot be read"}; }
    if (found.empty()) { throw bad_input{name + ": no page numbers"}; }
    return found;
}

quire_bench::trace read_trace(std::string const& path) {
    if (path == "-") { return read_trace(std::cin, "standard input"); }
    std::ifstream in{path};
    if (!in) { throw bad_input{path + ": cannot be opened"}; }
    return read_trace(in, path);
}

quire_bench::named_policy policy_named(std::string_view name) {
    std::string known;
    for (auto const& policy : quire_bench::policies) {
        if (policy.name == name) { return policy; }
        known += " ";
        known += policy.name;
    }
    throw bad_input{"no policy \"" + std::string{name} + "\"; there are:" + known};
}

std::size_t frames_of(std::string_view text) {
    auto const frames = number(text);
    if (!frames || *frames == 0) {
        throw bad_input{"FRAMES is a number from 1, not \"" + std::string{text} + "\""};
    }
    return *frames;
}

void run(std::string const& path, std::string_view policy_name, std::string_view frames_text) {
    auto const policy = policy_named(policy_name);
    auto const frames = frames_of(frames_text);
    auto const trace = quire_bench::renumbered(read_trace(path));
    auto const misses = policy.misses(trace, frames);
    auto const fewest = quire_bench::fewest_misses(trace, frames);
    auto const ratio = static_cast<double>(misses) / static_cast<double>(fewest);
    std::printf("requests %zu\nmisses %llu\noptimum %llu\nmisses/optimum %.3f\n", trace.size(),
                static_cast<unsigned long long>(misses), static_cast<unsigned long long>(fewest),
                ratio);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 4) { throw bad_input{usage}; }
    run(argv[1], argv[2], argv[3]);
    return 0;
} catch (bad_input const& e) {
    std::fprintf(stderr, "policy_trace: %s\n", e.what());
    return 2;
} catch (std::exception const& e) {  // for example, no memory
    std::fprintf(stderr, "policy_trace: %s\n", e.what());
    return 1;
}
