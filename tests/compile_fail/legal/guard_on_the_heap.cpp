// SPDX-License-Identifier: BSL-1.0
// why: a guard may be owned by a pointer.

void legal(file_type file) {
    auto page = std::make_unique<reader>(file, 0);
    use((*page)->size());
}
