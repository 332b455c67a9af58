// SPDX-License-Identifier: BSL-1.0
// why: a row that is needed in one branch of `?:` needs no name.
// clang-22: is not held on every path

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    std::string const name =
        page->contains(slot) ? std::string{page->row<user>(slot).get<&user::name>()} : "";
    use(name);
}
