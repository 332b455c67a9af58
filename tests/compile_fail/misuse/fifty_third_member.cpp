// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: expected .\).
// clang-19: expected .\).
// clang-22: expected .\).
// why: Boost.Describe takes 52 members in one description.

struct thing {
    int m00, m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12, m13, m14, m15, m16,
        m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30, m31, m32,
        m33, m34, m35, m36, m37, m38, m39, m40, m41, m42, m43, m44, m45, m46, m47, m48,
        m49, m50, m51, m52;
};
#ifdef MISUSE
BOOST_DESCRIBE_STRUCT(thing, (),
                      (m00, m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12, m13,
                       m14, m15, m16, m17, m18, m19, m20, m21, m22, m23,
                       m24, m25, m26, m27, m28, m29, m30, m31, m32, m33,
                       m34, m35, m36, m37, m38, m39, m40, m41, m42, m43,
                       m44, m45, m46, m47, m48, m49, m50, m51, m52))
#else
BOOST_DESCRIBE_STRUCT(thing, (),
                      (m00, m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12, m13,
                       m14, m15, m16, m17, m18, m19, m20, m21, m22, m23,
                       m24, m25, m26, m27, m28, m29, m30, m31, m32, m33,
                       m34, m35, m36, m37, m38, m39, m40, m41, m42, m43,
                       m44, m45, m46, m47, m48, m49, m50, m51))
#endif

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->insert(thing{}));
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(thing{}));
#endif
}
