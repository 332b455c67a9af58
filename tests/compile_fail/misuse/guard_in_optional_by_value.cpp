// SPDX-License-Identifier: BSL-1.0
// group: copied, moved or discarded guard
// rust: accepts
// g++: (conversion from|no match|deleted)
// clang-19: (no viable conversion|deleted)
// clang-22: (no viable conversion|deleted)
// why: an optional would move it in; guard_slot and emplace do not.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::optional<reader> held = file.read<heap_page>(0);
    use(held.has_value());
#else
    std::optional<reader> held;
    held.emplace(file, 0);
    use(held.has_value());
#endif
}
