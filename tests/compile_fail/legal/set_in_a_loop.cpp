// SPDX-License-Identifier: BSL-1.0
// why: columns are set in place while the rows are walked.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    for (auto row : page->rows<user>()) { row.set<&user::balance>(0.0); }
}
