// SPDX-License-Identifier: BSL-1.0
#include "fuzz/input.hpp"
#include "page/hostile.hpp"
#include "table/exercise.hpp"
#include "table/exercise_file.hpp"
#include "table/exercise_node.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <utility>

// fuzz_seeds FOLDER: makes FOLDER/pages, tables, nodes, files and rows, the inputs with which the
// fuzz targets begin: good pages of each make and size, those of table/, nodes of trees, files of a
// catalog, and rows of each struct, under several choices; and for each target a file of its name
// that lists its seeds.

namespace {

namespace fs = std::filesystem;

constexpr std::array page_targets{"heap_page", "line_pointer", "live_range", "page_header",
                                  "raw_page",  "redirects",    "sealed_page", "slotted"};

void write(fs::path const& to, std::size_t how, choices& choose,
           std::span<std::byte const> content) {
    std::string text(1, static_cast<char>(how));
    for (std::size_t i = 1; i < quire_test::fuzz_input::content_at; ++i) {
        text += static_cast<char>(choose.below(256));
    }
    std::ofstream out{to, std::ios::binary};
    out << text << text_of(content);
    if (!out.flush()) { throw std::runtime_error{"cannot write " + to.string()}; }
}

template <std::size_t N>
void write_pages(fs::path const& folder, choices& choose) {
    for (std::size_t i = 0; i < quire_test::page_makes.size(); ++i) {
        for (std::size_t k = 0; k < 8; ++k) {
            auto const page = quire_test::good_page<N>(quire_test::page_makes[i], choose);
            auto const name = quire_test::page_make_names[i] + std::to_string(N) + "_" +
                              std::to_string(k);
            write(folder / name, 4 * k + (N > 512 ? 1 : 0), choose, page.span());
        }
    }
}

template <std::size_t N>
void write_table_pages(fs::path const& folder, choices& choose) {
    for (std::size_t kind = 0; kind < quire_test::table_pages; ++kind) {
        for (std::size_t k = 0; k < 4; ++k) {
            auto const page = quire_test::good_table_page<N>(quire_test::table_page(kind), choose);
            auto const name = std::to_string(kind) + "_" + std::to_string(N) + "_" +
                              std::to_string(k);
            write(folder / name, 4 * kind + (N > 512 ? 1 : 0), choose, page.span());
        }
    }
}

void write_rows(fs::path const& folder, choices& choose) {
    for (std::size_t k = 0; k < 8; ++k) {
        auto const number = std::to_string(k);
        auto const small = quire_test::row_of(quire_test::some_record(choose, 20));
        auto const large = quire_test::row_of(quire_test::some_specimen(choose, 20));
        write(folder / ("record_" + number), 4 * k, choose, small);
        write(folder / ("specimen_" + number), 4 * k + 1, choose, large);
    }
}

void write_files(fs::path const& folder, choices& choose) {
    for (std::size_t k = 0; k < 4; ++k) {
        write(folder / ("file_" + std::to_string(k)), 0, choose, quire_test::good_file(choose));
    }
}

void write_nodes(fs::path const& folder, choices& choose) {
    for (std::size_t k = 0; k < 12; ++k) {
        write(folder / ("node_" + std::to_string(k)), 0, choose,
              quire_test::good_node(choose).span());
    }
}

void write_list(fs::path const& to, fs::path const& seeds) {
    std::set<std::string> paths;
    for (auto const& entry : fs::directory_iterator{seeds}) { paths.insert(entry.path().string()); }
    std::ofstream out{to};
    char const* between = "";
    for (auto const& path : paths) { out << std::exchange(between, ",") << path; }
    if (!out.flush()) { throw std::runtime_error{"cannot write " + to.string()}; }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 2) { throw std::runtime_error{"usage: fuzz_seeds FOLDER"}; }
        fs::path const folder = fs::absolute(argv[1]);
        fs::create_directories(folder / "pages");
        fs::create_directories(folder / "tables");
        fs::create_directories(folder / "files");
        fs::create_directories(folder / "nodes");
        fs::create_directories(folder / "rows");
        choices choose{1};
        write_pages<512>(folder / "pages", choose);
        write_pages<4096>(folder / "pages", choose);
        write_rows(folder / "rows", choose);
        write_table_pages<512>(folder / "tables", choose);
        write_table_pages<4096>(folder / "tables", choose);
        write_files(folder / "files", choose);
        for (auto const* const target : page_targets) {
            write_list(folder / target, folder / "pages");
        }
        write_list(folder / "table_pages", folder / "tables");
        write_list(folder / "catalog", folder / "files");
        write_nodes(folder / "nodes", choose);
        write_list(folder / "btree_page", folder / "nodes");
        write_list(folder / "row_view", folder / "rows");
        write_list(folder / "redo_log", folder / "rows");  // any short inputs
        return 0;
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
