#include "load/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "load/progress.h"

namespace parley::load {
namespace {

constexpr double kWidth = 640;  // of a chart's inside
constexpr double kHeight = 240;
constexpr double kLeft = 90;
constexpr std::array<const char*, 3> kColours{"#1b6ca8", "#2a9d57", "#c4511d"};

struct Point {
  double x = 0;  ///< 0 to 1
  double y = 0;  ///< milliseconds
};
struct Line {
  std::string_view name;
  std::vector<Point> points{};
};
struct Tick {
  double x;
  std::string label;
};

double in_ms(LatencyHistogram::Duration latency) {
  return std::max(0.001, std::chrono::duration<double, std::milli>(latency).count());
}

std::string text(double x, double y, std::string_view anchor, std::string_view words) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, words);
}

std::string rule(double x1, double y1, double x2, double y2) {
  return fmt::format("<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" stroke=\"#ddd\"/>\n", x1, y1, x2, y2);
}

/// Lines over a logarithmic scale of milliseconds, its upper left corner at (kLeft, top).
std::string chart(std::string_view title, const std::vector<Line>& lines, const std::vector<Tick>& ticks, double top) {
  double least = 1e9;
  double most = 1e-3;
  for (const Line& line : lines) {
    for (const Point& point : line.points) {
      least = std::min(least, point.y);
      most = std::max(most, point.y);
    }
  }
  const double low = std::floor(std::log10(std::min(least, most)));
  const double high = std::max(low + 1, std::ceil(std::log10(most)));
  const auto at_y = [&](double ms) { return top + kHeight * (high - std::log10(ms)) / (high - low); };
  const auto at_x = [](double x) { return kLeft + kWidth * x; };

  std::string out = text(kLeft, top - 12, "start", title);
  for (double power = low; power <= high; ++power) {
    const double ms = std::pow(10, power);
    out += rule(kLeft, at_y(ms), kLeft + kWidth, at_y(ms)) +
           text(kLeft - 8, at_y(ms) + 4, "end", fmt::format("{:g} ms", ms));
  }
  for (const Tick& tick : ticks) {
    out += rule(at_x(tick.x), top, at_x(tick.x), top + kHeight) +
           text(at_x(tick.x), top + kHeight + 18, "middle", tick.label);
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string path;
    for (const Point& point : lines[i].points) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", at_x(point.x), at_y(point.y));
    }
    out += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", path, kColours.at(i));
    out += fmt::format(
        "<g fill=\"{}\">{}</g>\n", kColours.at(i),
        text(kLeft + kWidth - 90 * static_cast<double>(lines.size() - 1 - i), top - 12, "end", lines[i].name));
  }
  return out;
}

/// Each further nine takes the same room: 90 %, 99 %, 99.9 %, 99.99 %.
std::string percentile_chart(const Measured& measured, double top) {
  constexpr double kNines = 4;
  std::vector<Line> lines;
  for (std::size_t i = 0; i < kKindNames.size(); ++i) {
    const LatencyHistogram& latencies = measured.latencies[i];
    if (latencies.count() == 0) continue;
    Line& line = lines.emplace_back(kKindNames[i]);
    for (int step = 0; step <= 80; ++step) {
      const double x = step / 80.0;
      line.points.push_back({x, in_ms(latencies.at(1 - std::pow(10, -kNines * x)))});
    }
  }
  return chart("latency by percentile", lines,
               {{std::log10(2) / kNines, "50 %"}, {0.25, "90 %"}, {0.5, "99 %"}, {0.75, "99.9 %"}, {1, "99.99 %"}},
               top);
}

std::string time_chart(const std::vector<Second>& timeline, double top) {
  std::vector<Line> lines{{"p50"}, {"p99"}, {"max"}};
  const double span = std::max<double>(1, static_cast<double>(timeline.size()) - 1);
  for (const Second& second : timeline) {
    if (second.requests == 0) continue;
    const double x = static_cast<double>(second.number) / span;
    lines[0].points.push_back({x, in_ms(second.p50)});
    lines[1].points.push_back({x, in_ms(second.p99)});
    lines[2].points.push_back({x, in_ms(second.max)});
  }
  std::vector<Tick> ticks;
  const std::size_t step = std::max<std::size_t>(1, timeline.size() / 8);
  for (std::size_t i = 0; i < timeline.size(); i += step) {
    ticks.push_back({static_cast<double>(i) / span, fmt::format("{} s", i)});
  }
  return chart("latency by time", lines, ticks, top);
}

}  // namespace

std::string to_svg(const Trial& trial) {
  constexpr double kSecondTop = kHeight + 120;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" "
             "font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
             kLeft + kWidth + 60, kSecondTop + kHeight + 40) +
         percentile_chart(trial.measured, 50) + time_chart(trial.timeline, kSecondTop) + "</svg>\n";
}

}  // namespace parley::load
