// SPDX-License-Identifier: BSL-1.0
#include "rules.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <string_view>

namespace fs = std::filesystem;

namespace house {
namespace {

using file_texts = std::map<std::string, std::string>;

std::string header(std::string const& includes) {
    return "// SPDX-License-Identifier: BSL-1.0\n#pragma once\n\n/// a note, TODOS is a word\n" +
           includes + "/* using namespace std; NDEBUG */ int const x = 1'000; // NDEBUG\n";
}

// A tree that keeps every rule. Its lines of interest: a header's includes start on line 5.
file_texts good_tree() {
    std::string const spdx = "# SPDX-License-Identifier: BSL-1.0\n";
    return {
        {"cmake/headers.cmake", spdx + "set(quire_headers\n"
                                       "    include/quire/quire.hpp\n"
                                       "    include/quire/base/a.hpp\n"
                                       "    include/quire/base/detail/d.hpp\n"
                                       "    include/quire/memory/m.hpp\n"
                                       "    include/quire/row/r.hpp\n"
                                       "    include/quire/pool/p.hpp\n"
                                       "    include/quire/io/uring_backend.hpp\n"
                                       "    include/quire/io/detail/fd.hpp\n"
                                       "    include/quire/testing/t.hpp)\n"},
        {"include/quire/quire.hpp",
         "// SPDX-License-Identifier: BSL-1.0\n#pragma once\n\n/// a note\n"
         "#include <quire/base/a.hpp>\n#include <quire/memory/m.hpp>\n"
         "#include <quire/row/r.hpp>\n#include <quire/pool/p.hpp>\n"},
        {"include/quire/base/a.hpp", header("#include <quire/base/detail/d.hpp>\n")},
        {"include/quire/base/detail/d.hpp", header("#include <cstddef>\n")},
        {"include/quire/memory/m.hpp", header("#include <quire/base/a.hpp>\n"
                                              "#include <sys/mman.h>\n")},
        {"include/quire/row/r.hpp", header("#include <boost/describe.hpp>\n")},
        {"include/quire/pool/p.hpp", header("#include <quire/memory/m.hpp>\n")},
        {"include/quire/io/uring_backend.hpp", header("#include <quire/io/detail/fd.hpp>\n")},
        {"include/quire/io/detail/fd.hpp", header("#include <unistd.h>\n")},
        {"include/quire/testing/t.hpp", header("#include <quire/base/a.hpp>\n")},
        {"examples/e.cpp", "// SPDX-License-Identifier: BSL-1.0\nint main() {\n"
                           "    //! [one]\n    if (true) {\n\n        return 0;\n    }\n"
                           "    //! [one]\n}\n"},
        {"examples/f.cpp", "// SPDX-License-Identifier: BSL-1.0\n//! [two]\nint x;\n//! [two]\n"},
        {"README.md", "# q\n\n<!-- from examples/e.cpp [one] -->\n```cpp\n"
                      "if (true) {\n\n    return 0;\n}\n```\n\n```sh\nls\n```\n"},
        {"docs/guide.md", "# g\n\n<!-- from examples/f.cpp [two] -->\n```cpp\nint x;\n```\n"},
        {".ci/run", "#!/usr/bin/env bash\n" + spdx},
        {".gitignore", spdx},
        {"CMakeLists.txt", spdx},
        {"build/junk.cpp", "not looked at"},
    };
}

// One change to the good tree, and the start of the one line that must then be printed.
struct misdeed {
    std::string path;
    std::string from;  // replaced by `to`; empty: `to` is appended
    std::string to;
    std::string expected;
};

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) { out += text; }
    return out;
}

std::vector<misdeed> include_misdeeds() {
    std::string const inc = "include/quire/";
    return {
        {inc + "base/a.hpp", "base/detail/d", "memory/m", inc + "base/a.hpp:5: layer: base"},
        {inc + "row/r.hpp", "boost/describe", "quire/pool/p", inc + "row/r.hpp:5: layer: row"},
        {inc + "pool/p.hpp", "memory/m", "row/r", inc + "pool/p.hpp:5: layer: pool"},
        {inc + "base/a.hpp", "base/detail/d", "quire", inc + "base/a.hpp:5: layer: base"},
        {inc + "memory/m.hpp", "base/a", "base/detail/d", inc + "memory/m.hpp:5: layer: detail"},
        {inc + "quire.hpp", "", "#include <quire/base/detail/d.hpp>\n",
         inc + "quire.hpp:9: layer: detail"},
        {inc + "quire.hpp", "", "#include <quire/testing/t.hpp>\n", inc + "quire.hpp:9: umbrella"},
        {inc + "quire.hpp", "", "#include <quire/io/uring_backend.hpp>\n",
         inc + "quire.hpp:9: umbrella"},
        {inc + "quire.hpp", "", "int x;\n", inc + "quire.hpp:9: umbrella"},
        {inc + "quire.hpp", "#include <quire/pool/p.hpp>\n", "", inc + "quire.hpp:1: umbrella"},
        {inc + "pool/p.hpp", "<quire/memory/m.hpp>", "\"../memory/m.hpp\"",
         inc + "pool/p.hpp:5: include"},
        {inc + "pool/p.hpp", "quire/memory/m.hpp", "boost/describe.hpp",
         inc + "pool/p.hpp:5: boost"},
        {inc + "pool/p.hpp", "quire/memory/m.hpp", "fcntl.h", inc + "pool/p.hpp:5: posix"},
        {inc + "pool/p.hpp", "quire/memory/m.hpp", "sys/stat.h", inc + "pool/p.hpp:5: posix"},
        {inc + "pool/p.hpp", "quire/memory/m.hpp", "iostream", inc + "pool/p.hpp:5: words"},
        {inc + "pool/p.hpp", "", "void f() { frame.page.store(1); }\n",
         inc + "pool/p.hpp:7: residency"},
        {inc + "pool/p.hpp", "", "void f() { file.pages->claim(1); }\n",
         inc + "pool/p.hpp:7: residency"},
    };
}

std::vector<misdeed> text_misdeeds() {
    std::string const a = "include/quire/base/a.hpp";
    auto const long_line = "// " + repeated("é", 98) + "\n";
    return {
        {a, "", "#ifdef NDEBUG\n#endif\n", a + ":7: words"},
        {a, "", "using  namespace std;\n", a + ":7: words"},
        {a, "", "// FIXME: later\n", a + ":7: words"},
        {a, "", repeated("\n", 395), a + ":401: length"},
        {a, "", long_line, a + ":7: columns"},
        {"examples/e.cpp", "", long_line, "examples/e.cpp:10: columns"},
        {a, "#pragma once\n", "\n", a + ":1: pragma"},
        {a, "/// a note", "// a note", a + ":4: note"},
        {a, "/// a note", repeated("\n", 7) + "/// a note", a + ":11: note"},
        {a, "// SPDX", "// spdx", a + ":1: spdx"},
        {".ci/run", "# SPDX", "\n# SPDX", ".ci/run:2: spdx"},
        {".gitignore", "# SPDX", "", ".gitignore:1: spdx"},
        {"CMakeLists.txt", "# SPDX", "", "CMakeLists.txt:1: spdx"},
        {"tests/base/new.cpp", "", "int x;\n", "tests/base/new.cpp:1: spdx"},
        {"include/quire/base/notes.txt", "", "x\n", "include/quire/base/notes.txt:1: listed"},
        {"include/quire/io/detail/new.hpp", "", header(""),
         "include/quire/io/detail/new.hpp:1: listed"},
        {"cmake/headers.cmake", "row/r.hpp", "row/r.hpp\n    include/quire/row/gone.hpp",
         "cmake/headers.cmake:8: listed: does not exist"},
        {"cmake/headers.cmake", "row/r.hpp", "row/r.hpp\n    include/quire/row/r.hpp",
         "cmake/headers.cmake:8: listed: twice"},
        {"README.md", "    return 0;", "    return 1;", "README.md:4: readme: differs"},
        {"README.md", "<!-- from examples/e.cpp [one] -->", "", "README.md:4: readme: a C++ block"},
        {"README.md", "[one]", "[two]", "README.md:4: readme: no region"},
        {"README.md", "e.cpp", "g.cpp", "README.md:4: readme: no file"},
        {"examples/e.cpp", "//! [one]", "", "README.md:4: readme: no region"},
        {"README.md", "", "```c++\nint x;\n```\n", "README.md:14: readme: a C++ block"},
        {"docs/guide.md", "int x;", "int y;", "docs/guide.md:4: readme: differs"},
    };
}

void write_tree(fs::path const& root, file_texts const& files) {
    fs::remove_all(root);
    for (auto const& [path, text] : files) {
        fs::create_directories((root / path).parent_path());
        std::ofstream{root / path} << text;
    }
}

bool finds_exactly(fs::path const& root, std::string const& expected) {
    auto const found = check_tree(root);
    bool const right = expected.empty()
                           ? found.empty()
                           : found.size() == 1 && to_string(found[0]).starts_with(expected);
    if (!right) {
        std::cout << "expected: " << (expected.empty() ? "nothing" : expected) << '\n';
        for (auto const& v : found) { std::cout << "   found: " << to_string(v) << '\n'; }
    }
    return right;
}

bool is_noticed(fs::path const& root, misdeed const& m) {
    auto files = good_tree();
    auto& text = files[m.path];
    auto const at = m.from.empty() ? text.size() : text.find(m.from);
    if (at == std::string::npos) {
        std::cout << "the good tree has no '" << m.from << "' in " << m.path << '\n';
        return false;
    }
    text.replace(at, m.from.size(), m.to);
    write_tree(root, files);
    return finds_exactly(root, m.expected);
}

}  // namespace

bool self_test(fs::path const& work_dir) {
    write_tree(work_dir, good_tree());
    int failed = finds_exactly(work_dir, "") ? 0 : 1;
    int tried = 1;
    for (auto const& misdeeds : {include_misdeeds(), text_misdeeds()}) {
        for (auto const& m : misdeeds) {
            ++tried;
            failed += is_noticed(work_dir, m) ? 0 : 1;
        }
    }
    fs::remove_all(work_dir);
    std::cout << tried << " trees, " << failed << " wrong\n";
    return failed == 0;
}

}  // namespace house
