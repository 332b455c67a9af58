// SPDX-License-Identifier: BSL-1.0
#pragma once

/// schema: the texts by which a catalog says what rows, keys and values are, taken apart at run
/// time.
///
///     {number:u32,owner:string,note:string?} by owner; unique number     rows and their indexes
///     (string,record):nothing                                            a tree: key and value
///
/// Types are spelled as in quire/row/schema_text.hpp; keys and values of trees also as in
/// quire/table/key_codec.hpp and value_codec.hpp. A codec of the user's own has a name and no more:
/// what is stored by it stays bytes.
///
/// The layout of a row is that of quire/row/schema.hpp, whose schema<T> computes it when a program
/// is compiled. Texts are any bytes here: what is no schema is refused with a std::runtime_error.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pagedump {

enum class form : std::uint8_t {
    number,
    boolean,
    string,
    bytes,
    array,      ///< of its part, `count` times
    structure,  ///< {name:T,...}
    tuple,      ///< (T,...), keys only
    duration,   ///< its part, times numerator/denominator seconds
    time,       ///< such a duration, since 1970
    record,     ///< a row's id, of trees only
    nothing,
    other,      ///< of a codec of the user's own
};

struct column {
    std::string name{};
    std::string spelled{};    ///< of a number: i8 ... f64, c8 c16 c32
    form type = form::other;
    bool is_nullable = false;
    std::size_t width = 0;    ///< in a row, if that is fixed
    std::uint64_t count = 1;
    std::uint64_t numerator = 1;
    std::uint64_t denominator = 1;
    std::vector<column> parts{};

    [[nodiscard]] bool is_variable() const { return type == form::string || type == form::bytes; }
};

/// Takes a text apart, from its beginning on.
class schema_reader {
public:
    explicit schema_reader(std::string_view text) : left_{text} {}

    [[nodiscard]] std::string_view left() const { return left_; }
    [[nodiscard]] bool take(std::string_view what) {
        if (!left_.starts_with(what)) { return false; }
        left_.remove_prefix(what.size());
        return true;
    }
    void expect(std::string_view what) {
        if (!take(what)) { refuse("'" + std::string{what} + "' is missing"); }
    }
    /// "name:type?,name:type"
    [[nodiscard]] std::vector<column> columns() {
        std::vector<column> all;
        do {
            auto const name = word();
            if (name.empty()) { refuse("a name is missing"); }
            expect(":");
            auto one = type();
            one.name = name;
            one.is_nullable = take("?");
            all.push_back(std::move(one));
        } while (take(","));
        return all;
    }
    [[nodiscard]] column type() {
        if (++depth_ > 16) { refuse("it is too deep"); }
        auto one = without_array();
        while (take("[")) {
            column all{.type = form::array, .count = number()};
            expect("]");
            auto const each = one.width;
            all.parts.push_back(std::move(one));
            one = std::move(all);
            if (one.count == 0 || one.count > width_max) { refuse("no size of an array"); }
            one.width = bounded(each * one.count);
        }
        --depth_;
        return one;
    }
    [[noreturn]] void refuse(std::string const& why) const {
        throw std::runtime_error{"no schema: " + why + " at \"" + std::string{left_} + '"'};
    }

private:
    static constexpr std::size_t width_max = 0xFFFF;

    [[nodiscard]] std::size_t bounded(std::size_t width) const {
        if (width > width_max) { refuse("a row has at most 65535 bytes"); }
        return width;
    }
    /// Letters as C++ has them in names.
    [[nodiscard]] std::string_view word() {
        std::size_t size = 0;
        for (; size < left_.size(); ++size) {
            auto const c = static_cast<unsigned char>(left_[size]);
            bool const is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
            bool const is_digit = c >= '0' && c <= '9';
            if (!is_letter && !is_digit && c != '_' && c != '$' && c < 0x80) { break; }
        }
        auto const found = left_.substr(0, size);
        left_.remove_prefix(size);
        return found;
    }
    [[nodiscard]] std::uint64_t number() {
        std::uint64_t found = 0;
        auto const [end, failed] =
            std::from_chars(left_.data(), left_.data() + left_.size(), found);
        if (failed != std::errc{}) { refuse("a number is missing"); }
        left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
        return found;
    }
    [[nodiscard]] column without_array() {
        if (take("{")) { return structure(); }
        if (take("(")) { return tuple(); }
        if (take("duration<")) { return counted(form::duration); }
        if (take("time<")) { return counted(form::time); }
        auto const name = word();
        if (name.empty()) { refuse("a type is missing"); }
        column one{.spelled = std::string{name}};
        for (std::string_view const known : {"i8", "u8", "c8", "i16", "u16", "c16", "i32", "u32",
                                             "c32", "f32", "i64", "u64", "f64"}) {
            if (name != known) { continue; }
            one.type = form::number;
            one.width = known.ends_with("8") ? 1 : known.ends_with("16") ? 2
                                               : known.ends_with("32") ? 4 : 8;
        }
        if (name == "bool") { one.type = form::boolean, one.width = 1; }
        if (name == "string") { one.type = form::string; }
        if (name == "bytes") { one.type = form::bytes; }
        if (name == "record") { one.type = form::record; }
        if (name == "nothing") { one.type = form::nothing; }
        return one;
    }
    [[nodiscard]] column structure() {
        column one{.type = form::structure, .parts = columns()};
        expect("}");
        for (auto const& part : one.parts) { one.width = bounded(one.width + part.width); }
        return one;
    }
    [[nodiscard]] column tuple() {
        column one{.type = form::tuple};
        do { one.parts.push_back(type()); } while (take(","));
        expect(")");
        return one;
    }
    [[nodiscard]] column counted(form what) {
        column one{.type = what, .parts = {type()}};
        if (one.parts[0].type != form::number) { refuse("a count is a number"); }
        one.width = one.parts[0].width;
        expect(",");
        one.numerator = number();
        expect("/");
        one.denominator = number();
        expect(">");
        if (one.numerator == 0 || one.denominator == 0) { refuse("no unit of time"); }
        return one;
    }

    std::string_view left_;
    int depth_ = 0;
};

/// Rows of a struct.
struct row_schema {
    struct index {
        std::string columns;  ///< "owner", "owner,day"
        bool is_unique;
    };

    std::vector<column> columns;
    std::vector<std::size_t> places{};  ///< of each column: its bytes, or its end offset
    std::size_t null_bits = 0;
    std::size_t fixed_size = 0;  ///< where variable bytes begin
    std::vector<index> indexes{};

    explicit row_schema(std::vector<column> all) : columns{std::move(all)}, places(columns.size()) {
        for (auto const& one : columns) {
            null_bits += one.is_nullable;
            if (!one.is_variable()) { require_fixed(one, true); }
        }
        fixed_size = (null_bits + 7) / 8;
        for (bool const variable : {false, true}) {
            for (std::size_t i = 0; i < columns.size(); ++i) {
                if (columns[i].is_variable() != variable) { continue; }
                places[i] = fixed_size;
                fixed_size += variable ? 2 : columns[i].width;
            }
        }
        if (fixed_size > 0xFFFF) { throw std::runtime_error{"no schema: a row is too long"}; }
    }
    /// Of "{a:u32,b:string}", with or without the brackets, and " by b; unique a" behind them.
    static row_schema of(std::string_view text) {
        schema_reader from{text};
        bool const has_brackets = from.take("{");
        row_schema found{from.columns()};
        if (has_brackets) { from.expect("}"); }
        if (from.take(" by ")) { found.read_indexes(from.left()); }
        else if (!from.left().empty()) { from.refuse("it has no end"); }
        return found;
    }

private:
    static void require_fixed(column const& one, bool is_outer) {
        bool const has_no_width = one.is_variable() || one.width == 0;
        if (has_no_width || one.type == form::record || (one.is_nullable && !is_outer)) {
            throw std::runtime_error{"no schema: " + one.name + " is no column"};
        }
        for (auto const& part : one.parts) { require_fixed(part, false); }
    }
    void read_indexes(std::string_view text) {
        while (!text.empty()) {
            auto one = text.substr(0, text.find("; "));
            text.remove_prefix(std::min(text.size(), one.size() + 2));
            bool const is_unique = one.starts_with("unique ");
            if (is_unique) { one.remove_prefix(7); }
            indexes.push_back({std::string{one}, is_unique});
        }
    }
};

/// Keys and values of a tree.
struct tree_schema {
    column key;
    column value;
    std::optional<row_schema> row{};  ///< if the values are rows

    /// Of "string:{a:u32}"
    static tree_schema of(std::string_view text) {
        schema_reader from{text};
        tree_schema found{.key = from.type(), .value = {}};
        from.expect(":");
        if (from.left().starts_with("{")) {
            found.row = row_schema::of(from.left());
            found.value.type = form::structure;
        } else {
            found.value = from.type();
            if (!from.left().empty()) { from.refuse("it has no end"); }
        }
        return found;
    }
};

}  // namespace pagedump
