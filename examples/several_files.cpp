// SPDX-License-Identifier: BSL-1.0

/// several_files: a table and a log that refers to it, in one pool whose frames they share. The log
/// is read from end to end without evicting the table's pages.

#include <quire/quire.hpp>

#include <iostream>

struct sensor {
    std::string name;
    std::uint32_t readings;
};
BOOST_DESCRIBE_STRUCT(sensor, (), (name, readings))

/// A value of a sensor. It names the sensor by its page and slot in the other file.
struct reading {
    std::uint64_t page;
    std::uint16_t slot;
    double value;
};
BOOST_DESCRIBE_STRUCT(reading, (), (page, slot, value))

using quire::heap_page;
using quire::slot_id;
using file_type = quire::buffer_pool<>::file;

constexpr std::uint64_t sensor_pages = 10;
constexpr std::uint64_t log_pages = 500;

void fill_sensors(file_type const& sensors) {
    for (std::uint64_t no = 0; no < sensor_pages; ++no) {
        auto page = sensors.append<heap_page>();
        for (int i = 0; i < 10; ++i) { page->insert(sensor{"sensor", 0}).value(); }
    }
}
void fill_log(file_type const& log) {
    for (std::uint64_t no = 0; no < log_pages; ++no) {
        auto page = log.append<heap_page>();
        for (std::uint16_t i = 0; i < 10; ++i) {
            page->insert(reading{no % sensor_pages, i, 20.5}).value();
        }
    }
}

//! [count]
/// Holds a guard in each file at once. All code that holds both takes the log's guard first.
void count(file_type const& log, file_type const& sensors) {
    for (std::uint64_t no = 0; no < log.pages(); ++no) {
        auto page = log.read<heap_page>(no);
        for (auto read : page->rows<reading>()) {
            auto table = sensors.write<heap_page>(read.get<&reading::page>());
            auto row = table->row<sensor>(slot_id{read.get<&reading::slot>()});
            row.set<&sensor::readings>(row.get<&sensor::readings>() + 1);
        }
    }
}
//! [count]

int main() try {
    //! [files]
    quire::buffer_pool<> pool{{.frames = 32}};
    auto sensors = pool.open("sensors.db", quire::open_mode::create_or_replace);
    // At most 8 of the 32 frames: beyond that, a page of the log replaces another page of the log.
    auto log = pool.open("readings.db", quire::open_mode::create_or_replace, {.frames_max = 8});
    //! [files]
    fill_sensors(sensors);
    fill_log(log);
    pool.flush();  // every file

    auto const before = sensors.stats().misses;
    count(log, sensors);
    auto const missed = sensors.stats().misses - before;
    std::cout << log.stats().misses << " misses in the log, " << missed
              << " in the table, of which " << sensors.resident_pages().size()
              << " pages are in memory\n";

    sensors.flush();
    log.truncate(0);  // its readings are counted; the file stays open
    log.close();      // the pool stays usable, and the file can be opened again

    std::uint64_t counted = 0;
    for (std::uint64_t no = 0; no < sensors.pages(); ++no) {
        auto page = sensors.read<heap_page>(no);
        for (auto const& [name, readings] : page->rows<sensor>()) { counted += readings; }
    }
    std::cout << counted << " readings of " << sensors.pages() * 10 << " sensors\n";
    return missed == 0 && counted == log_pages * 10 ? 0 : 1;
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
