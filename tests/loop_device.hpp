// SPDX-License-Identifier: BSL-1.0
#pragma once

/// loop_device: a block device over a file of its own, gone with its last descriptor.
///
/// Making one takes privileges; `works` says whether this process has them.

#include <filesystem>  // std::filesystem::path
#include <fstream>     // std::ofstream
#include <string>      // std::string

#include <fcntl.h>       // open
#include <linux/loop.h>  // LOOP_CONFIGURE
#include <sys/ioctl.h>   // ioctl
#include <unistd.h>      // close

namespace quire_test {

class loop_device {
public:
    loop_device(std::filesystem::path const& file, std::uint64_t bytes) {
        { std::ofstream const made{file}; }
        std::filesystem::resize_file(file, bytes);
        int const control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        int const number = control < 0 ? -1 : ::ioctl(control, LOOP_CTL_GET_FREE);
        if (control >= 0) { ::close(control); }
        if (number < 0) { return; }
        path_ = "/dev/loop" + std::to_string(number);
        int const backing = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
        device_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        ::loop_config config{};
        config.fd = static_cast<std::uint32_t>(backing);
        config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
        if (device_ >= 0 && ::ioctl(device_, LOOP_CONFIGURE, &config) == 0) { works_ = true; }
        ::close(backing);
    }
    loop_device(loop_device const&) = delete;
    loop_device& operator=(loop_device const&) = delete;
    ~loop_device() {
        if (device_ >= 0) { ::close(device_); }
    }
    [[nodiscard]] bool works() const { return works_; }
    [[nodiscard]] std::string const& path() const { return path_; }

private:
    std::string path_;
    int device_ = -1;
    bool works_ = false;
};

}  // namespace quire_test
