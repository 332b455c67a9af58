# SPDX-License-Identifier: BSL-1.0
"""Conan 2:  conan create . --build=missing -s compiler.cppstd=20 -o "boost/*:header_only=True"

The targets are those of quire's own CMake package, and quire_borrow_check comes along. Without the
option Boost is compiled: quire needs its headers only. `conan editable add .` uses this tree itself.
"""
import os
import re

from conan import ConanFile
from conan.errors import ConanException, ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.scm import Version

required_conan_version = ">=2.0"


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

    # That of the headers; another one that is asked for by --version is refused.
    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "CMakeLists.txt"))
        version = re.search(r"project\(quire VERSION ([0-9.]+)", text).group(1)
        if self.version not in (None, version):
            raise ConanException(f"this is quire {version}, not {self.version}")
        self.version = version

    # Where the files are: in the package, and in this tree (for `conan editable`).
    def layout(self):
        self.folders.generators = os.path.join("build", "conan")
        module = "quire_borrow_check.cmake"
        for place, folder in (
            (self.cpp.package, os.path.join("share", "cmake", "quire")),
            (self.cpp.source, "cmake"),
        ):
            place.includedirs = ["include"]
            place.bindirs = []
            place.libdirs = []
            place.set_property("cmake_build_modules", [os.path.join(folder, module)])

    def requirements(self):
        # Its option header_only is left alone: another package may need what Boost compiles.
        self.requires("boost/[>=1.77.0 <2]", transitive_headers=True)

    def validate(self):
        if self.settings.os != "Linux" or self.settings.arch not in ("x86_64", "armv8"):
            raise ConanInvalidConfiguration("quire runs on 64-bit Linux")
        check_min_cppstd(self, 20)
        compiler = str(self.settings.compiler)
        oldest = {"gcc": "12", "clang": "19"}.get(compiler)
        if oldest and Version(self.settings.compiler.version) < oldest:
            raise ConanInvalidConfiguration(f"quire needs {compiler} {oldest} or later")

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
        self.cpp_info.requires = ["boost::headers"]
        self.cpp_info.system_libs = ["pthread"]
        self.cpp_info.set_property("cmake_file_name", "quire")
        self.cpp_info.set_property("cmake_target_name", "quire::quire")
        self.cpp_info.set_property("pkg_config_name", "quire")
