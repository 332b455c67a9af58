# SPDX-License-Identifier: BSL-1.0
"""Conan 2:  conan create . --build=missing -s compiler.cppstd=20

The targets are those of quire's own CMake package, and quire_borrow_check comes along.
"""
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load


class Quire(ConanFile):
    name = "quire"
    description = "Zero-copy buffer-pool pages"
    license = "BSL-1.0"
    topics = ("buffer-pool", "storage-engine", "database", "zero-copy", "header-only")
    package_type = "header-library"
    implements = ["auto_header_only"]
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "include/*", "cmake/quire_borrow_check.*", "LICENSE"
    no_copy_source = True
    test_package_folder = "packaging/conan"

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "CMakeLists.txt"))
        self.version = re.search(r"project\(quire VERSION ([0-9.]+)", text).group(1)

    def requirements(self):
        # Its option header_only is left alone: another package may need what Boost compiles.
        self.requires("boost/[>=1.77.0 <2]", transitive_headers=True)

    def validate(self):
        if self.settings.os != "Linux" or self.settings.arch not in ("x86_64", "armv8"):
            raise ConanInvalidConfiguration("quire runs on 64-bit Linux")
        check_min_cppstd(self, 20)

    def package(self):
        share = os.path.join("share", "cmake", "quire")
        for pattern, source, target in (
            ("*.hpp", "include", "include"),
            ("quire_borrow_check.*", "cmake", share),
            ("LICENSE", ".", "licenses"),
        ):
            copy(self, pattern, os.path.join(self.source_folder, source),
                 os.path.join(self.package_folder, target))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.requires = ["boost::headers"]
        self.cpp_info.system_libs = ["pthread"]
        self.cpp_info.set_property("cmake_file_name", "quire")
        self.cpp_info.set_property("cmake_target_name", "quire::quire")
        self.cpp_info.set_property(
            "cmake_build_modules",
            [os.path.join("share", "cmake", "quire", "quire_borrow_check.cmake")])
        self.cpp_info.set_property("pkg_config_name", "quire")
