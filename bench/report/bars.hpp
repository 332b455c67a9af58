// SPDX-License-Identifier: BSL-1.0
#pragma once

/// bars: a chart as SVG, for a light page or for a dark one.
///
/// A bar ends at the median. The thin line goes from the least to the most of the rounds. The axis
/// ends at 1.5 times the largest median, so that one slow round does not shorten all bars; a line
/// that exceeds it is drawn without an end. quire's names and figures are bold. The <desc> has all
/// figures, for readers who cannot see the picture.
///
/// The width of a text is not known here: there is room for a wide font.

#include "svg.hpp"

#include <algorithm>

namespace quire_report {

/// A picture while it is drawn.
class bars {
public:
    [[nodiscard]] static std::string draw(chart const& of, origin const& by, palette const& with) {
        return bars{of, with}.whole(by);
    }

private:
    static constexpr double width = 880;
    static constexpr double margin = 24;
    static constexpr double top = 104;     // above the first strip
    static constexpr double gap = 20;      // between panels, and below a strip
    static constexpr double letter = 7.4;  // a wide one
    static constexpr double small = 6.6;   // and one of small text
    static constexpr double heading = 22;  // of a panel
    static constexpr double below = 20;    // an axis, for its ticks
    static constexpr double pitch = 20;    // from bar to bar
    static constexpr double thick = 12;    // a bar
    static constexpr double share = 7;     // a processor's share of one
    static constexpr double footer = 40;

    bars(chart const& of, palette const& with) : chart_{of}, colours_{with} {
        std::size_t longest = 0;
        std::size_t abreast = 1;
        for (auto const& one : of.strips) {
            abreast = std::max(abreast, one.panels.size());
            for (auto const& it : one.panels.front().bars) {
                longest = std::max(longest, it.system.size());
                shares_ = shares_ || it.processor.has_value();
            }
            for (auto const& each : one.panels) { make_room(each); }
        }
        auto const count = static_cast<double>(abreast);
        names_ = margin + static_cast<double>(longest) * letter;
        plot_ = (width - margin - names_ - gap * count) / count - values_;
    }

    /// For the figures behind the bars.
    void make_room(panel const& of) {
        auto const room = [&](std::string const& text, double of_letter) {
            values_ = std::max(values_, 10 + static_cast<double>(text.size()) * of_letter);
        };
        for (auto const& it : of.bars) {
            if (it.whole) { room(figure(it.whole->median), letter); }
            if (it.processor) { room(figure(it.processor->median) + " CPU", small); }
        }
    }

    [[nodiscard]] double row() const { return shares_ ? pitch + 14 : pitch; }
    [[nodiscard]] double height(strip const& one) const {
        return heading + row() * static_cast<double>(one.panels.front().bars.size()) + below + gap;
    }
    /// Where the axis of a panel begins, by its place in the strip.
    [[nodiscard]] double left(std::size_t place) const {
        return names_ + gap / 2 + static_cast<double>(place) * (plot_ + values_ + gap);
    }

    std::string whole(origin const& by) {
        auto height_of_all = top + footer;
        for (auto const& one : chart_.strips) { height_of_all += height(one); }
        pen_.open("svg",
                  {{"xmlns", "http://www.w3.org/2000/svg"},
                   {"viewBox", "0 0 " + pen::pixels(width) + ' ' + pen::pixels(height_of_all)},
                   {"width", pen::pixels(width)},
                   {"height", pen::pixels(height_of_all)},
                   {"role", "img"},
                   {"aria-labelledby", "title description"},
                   {"font-family", "system-ui, -apple-system, 'Segoe UI', Roboto, "
                                   "'Noto Sans', 'Liberation Sans', Arial, sans-serif"},
                   {"font-size", "12"},
                   {"fill", colours_.text}});
        pen_.element("title", {{"id", "title"}}, chart_.kind.title);
        pen_.element("desc", {{"id", "description"}}, description(chart_));
        pen_.box(0, 0, width, height_of_all, {{"fill", colours_.ground}});
        header();
        auto y = top;
        for (auto const& one : chart_.strips) {
            draw(one, y);
            y += height(one);
        }
        muted(margin, y + 4, by.machine + ", Linux " + by.kernel);
        muted(margin, y + 20,
              by.compiler + ", " + by.date + ", commit " + by.commit +
                  (by.quick ? ", a quick run: the figures mean little" : ""));
        pen_.close("svg");
        return pen_.out();
    }

    void header() {
        pen_.text(margin, 36, chart_.kind.title, {{"font-size", "19"}, {"font-weight", "600"}});
        pen_.text(margin, 58, legend(chart_), {{"fill", colours_.muted}, {"font-size", "13"}});
        auto x = margin;
        auto const entry = [&](std::string const& what, double sample) {
            muted(x + sample + 6, 82, what);
            x += sample + 26 + static_cast<double>(what.size()) * small;
        };
        for (auto const& [as, what] : {std::pair{role::ours, chart_.kind.ours},
                                       {role::peer, chart_.kind.others},
                                       {role::limit, "limits"}}) {
            if (!has(as)) { continue; }
            pen_.box(x, 73, 12, 10, {{"fill", colour(as)}, {"rx", "1.5"}});
            entry(what, 12);
        }
        range(x, 78, 0, 1, 20);
        entry("least to most of the rounds", 20);
        if (shares_) {
            hollow(x, 75, 12, colours_.text);
            entry("what the processor spent", 12);
        }
    }

    void draw(strip const& one, double y) {
        auto const rows = one.panels.front().bars.size();
        for (std::size_t i = 0; i < rows; ++i) {
            auto const& it = one.panels.front().bars[i];
            pen_.text(names_, y + heading + row() * static_cast<double>(i) + 14, it.system,
                      {{"text-anchor", "end"}, {"font-weight", weight(it.as)}});
        }
        for (std::size_t i = 0; i < one.panels.size(); ++i) {
            draw(one, one.panels[i], left(i), y);
        }
    }

    void draw(strip const& in, panel const& one, double x, double y) {
        auto const by = scale_of(in.unit, one);
        auto const rows = static_cast<double>(one.bars.size());
        auto const bottom = y + heading + row() * rows;
        pen_.text(x, y + 12, one.title, {{"font-weight", "600"}});
        double free_from = 0;  // two ticks may be too near each other
        for (auto const tick_at : by.ticks()) {
            auto const at = x + by.at(tick_at) * plot_;
            pen_.stroke(at, y + heading, at, bottom, colours_.grid);
            auto const half = static_cast<double>(tick(tick_at).size()) * letter / 2;
            if (at - half < free_from) { continue; }
            muted(at, bottom + 14, tick(tick_at), "middle");
            free_from = at + half + 4;
        }
        muted(std::max(x + plot_ + 8, free_from + 4), bottom + 14, in.unit);
        auto at = y + heading;
        for (auto const& it : one.bars) {
            draw(it, x, at, by);
            at += row();
        }
    }

    void draw(bar const& one, double x, double y, scale const& by) {
        if (!one.whole) { return muted(x + 5, y + 14, "not measured"); }
        draw(*one.whole, one.as, x, y + 4, thick, by);
        if (one.processor) { draw(*one.processor, one.as, x, y + 4 + thick + 4, share, by); }
    }

    void draw(line const& one, role as, double x, double y, double high, scale const& by) {
        auto const end = by.within(one.median) * plot_;
        auto const middle = y + high / 2;
        if (high == share) {
            hollow(x, y, std::max(end, 2.0), colour(as));
        } else {
            pen_.box(x, y, std::max(end, 1.0), high, {{"fill", colour(as)}, {"rx", "1.5"}});
        }
        range(x, middle, by.at(one.min), by.at(one.max), plot_);
        auto const text = x + std::max(end, by.within(one.max) * plot_) + 6;
        if (high == share) { return muted(text, middle + 4, figure(one.median) + " CPU"); }
        pen_.text(text, middle + 4.5, figure(one.median), on_ground({{"font-weight", weight(as)}}));
    }

    /// From the least to the most, as shares of the axis.
    void range(double x, double y, double least, double most, double plot) {
        auto const from = x + std::clamp(least, 0.0, 1.0) * plot;
        auto const to = x + std::clamp(most, 0.0, 1.0) * plot;
        if (to - from < 2) { return; }
        pen_.stroke(from, y, to, y, colours_.ground, 3);  // to be seen on a bar, too
        pen_.stroke(from, y, to, y, colours_.text);
        for (auto const end : {least, most}) {
            if (end < 0 || end > 1) { continue; }
            pen_.stroke(x + end * plot, y - 3, x + end * plot, y + 3, colours_.text);
        }
    }

    [[nodiscard]] scale scale_of(std::string const& unit, panel const& here) const {
        double least = 0;
        double median = 0;
        double most = 0;
        auto const hold = [&](panel const& one) {
            for (auto const& it : one.bars) {
                for (auto const& part : {it.whole, it.processor}) {
                    if (!part) { continue; }
                    if (least <= 0 || (part->min > 0 && part->min < least)) { least = part->min; }
                    median = std::max(median, part->median);
                    most = std::max(most, part->max);
                }
            }
        };
        if (chart_.kind.by == axis::linear_each) {
            hold(here);
        } else {
            for (auto const& one : chart_.strips) {
                if (one.unit != unit) { continue; }
                for (auto const& it : one.panels) { hold(it); }
            }
        }
        most = std::clamp(most, median, 1.5 * median);
        auto const wide = static_cast<double>(tick(std::ceil(most)).size()) * letter + 14;
        return {chart_.kind.by == axis::logarithmic, least, most,
                std::clamp(std::floor(plot_ / wide), 1.0, 5.0)};
    }

    [[nodiscard]] bool has(role as) const {
        for (auto const& one : chart_.strips) {
            for (auto const& it : one.panels.front().bars) {
                if (it.as == as) { return true; }
            }
        }
        return false;
    }
    void muted(double x, double y, std::string const& what, char const* anchor = "start") {
        pen_.text(
            x, y, what,
            on_ground({{"fill", colours_.muted}, {"font-size", "11"}, {"text-anchor", anchor}}));
    }
    /// The processor's share, in the colour of the whole.
    void hollow(double x, double y, double wide, char const* with) {
        pen_.box(x + 0.75, y + 0.75, std::max(wide - 1.5, 0.5), share - 1.5,
                 {{"fill", colours_.ground}, {"stroke", with}, {"stroke-width", "1.5"}});
    }
    /// Text that lines end before.
    [[nodiscard]] pen::attributes on_ground(pen::attributes with) const {
        with.insert(
            {{"stroke", colours_.ground}, {"stroke-width", "3"}, {"paint-order", "stroke"}});
        return with;
    }
    [[nodiscard]] char const* colour(role as) const {
        return colours_.bars[static_cast<std::size_t>(as)];
    }
    [[nodiscard]] static char const* weight(role as) { return as == role::ours ? "700" : "400"; }

    chart const& chart_;
    palette const& colours_;
    pen pen_;
    double names_ = 0;    // where the names of systems end
    double plot_ = 0;     // how long an axis is
    double values_ = 62;  // room for the figures behind it
    bool shares_ = false;
};

}  // namespace quire_report
