// SPDX-License-Identifier: BSL-1.0
#pragma once

/// consistent: whether a pool's frames, entries, free list and counts agree, while nobody uses it.

#include <cstdint>
#include <map>
#include <stdexcept>

#include <quire/pool/buffer_pool.hpp>

namespace quire_test {

/// Throws what is inconsistent in a pool that nobody uses just now; `set_aside` frames are in
/// budgets.
template <class Core, class Files>
void expect_consistent(Core& core, Files const& files, std::size_t set_aside) {
    auto const expect = [](bool well, char const* what) {
        if (!well) { throw std::logic_error{what}; }
    };
    std::size_t resident = 0;
    std::map<quire::file_no, std::size_t> dirty;
    std::map<quire::file_no, std::size_t> of_file;
    for (std::uint32_t i = 0; i < core.frames.headers().size(); ++i) {
        auto const f = static_cast<quire::frame_no>(i);
        auto& frame = core.frames[f];
        expect(frame.latch.try_lock(), "a latch is held by nobody");
        frame.latch.unlock();
        expect(frame.written <= frame.version, "written is above version");
        auto const id = quire::page_id::from_bits(frame.page);
        if (id == quire::page_id::none()) {
            expect(!frame.dirty(), "a frame without a page is dirty");
            continue;
        }
        ++resident;
        ++of_file[id.file()];
        if (frame.dirty()) { ++dirty[id.file()]; }
        auto const& file = core.files.of(id);
        expect(file.is_open(), "a page of a closed file is resident");
        expect(id.page().value() < file.page_count, "a page past the end is resident");
        expect(file.pages->load(id.page()) == quire::page_table::entry::of(f),
               "a page's entry is not its frame");
    }
    auto const free = core.evictor.free_frames().count();
    expect(free + resident + set_aside == core.frames.headers().size(),
           "free, resident and reserved frames are not all frames");
    for (auto const& file : files) {
        if (!file) { continue; }
        expect(file->slot().dirty == dirty[file->number()], "the count of dirty pages is wrong");
        expect(file->slot().frames == of_file[file->number()], "the count of frames is wrong");
        expect(file->slot().uses == 0, "a file is in use that no thread uses");
        std::size_t mapped = 0;
        for (std::uint64_t no = 0; no < file->slot().pages->pages(); ++no) {
            auto const entry = file->slot().pages->load(no);
            expect(entry != quire::page_table::entry::loading(), "an entry is loading for ever");
            if (!entry.is_frame()) { continue; }
            expect(core.frames[entry.frame()].holds({file->number(), no}),
                   "an entry's frame holds another page");
            ++mapped;
        }
        expect(mapped <= resident, "more entries than frames");
    }
}

}  // namespace quire_test
