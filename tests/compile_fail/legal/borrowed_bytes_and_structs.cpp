// SPDX-License-Identifier: BSL-1.0
// why: bytes of one page go into another without a copy between.

struct spot {
    std::int32_t x = 0;
    std::int32_t y = 0;
};
BOOST_DESCRIBE_STRUCT(spot, (), (x, y))
struct image {
    spot at;
    std::vector<std::byte> pixels;
};
BOOST_DESCRIBE_STRUCT(image, (), (at, pixels))
struct image_ref {
    spot at;
    std::span<std::byte const> pixels;
};
BOOST_DESCRIBE_STRUCT(image_ref, (), (at, pixels))

void legal(file_type file) {
    auto from = file.read<heap_page>(0);
    auto to = file.write<heap_page>(1);
    spot last;
    for (auto row : from->rows<image>()) {
        auto const pixels = row.get<&image::pixels>();
        last = row.get<&image::at>();
        use(to->insert(image_ref{last, pixels.unguarded_span()}));
        std::vector<std::byte> const copy(pixels.begin(), pixels.end());
        use(copy.size() + row.get<&image::pixels>().size());
    }
    use(from->row<image>(slot).get<&image::at>().x);
    use(last);
}
