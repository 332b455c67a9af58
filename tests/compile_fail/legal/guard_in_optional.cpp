// SPDX-License-Identifier: BSL-1.0
// why: emplace makes a guard in place.

void legal(file_type file) {
    std::optional<reader> held;
    held.emplace(file, 0);
    use((*held)->size());
    held.reset();
}
