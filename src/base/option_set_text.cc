// What an OptionSet says: its help, its reference page, and the configuration as a file.
#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/option_set.h"
#include "base/quote.h"
#include "base/wrap.h"

namespace parley {
namespace {

using Takes = Option::Takes;

std::string toml_string(const std::string& text) {
  const toml::value<std::string> value(text);
  std::ostringstream out;
  out << toml::toml_formatter(value, toml::format_flags::none);
  return out.str();
}

std::string toml_value(const Option& option) {
  std::vector<std::string> values = option.get();
  for (std::string& value : values) {
    if (option.redact) value = option.redact(value);
    if (option.quoted) value = toml_string(value);
  }
  if (option.takes != Takes::kManyValues) return values.front();
  return fmt::format("[{}]", fmt::join(values, ", "));
}

bool unset(const Option& option) {
  const std::vector<std::string> values = option.get();
  return option.takes == Takes::kOneValue && values.front().empty();
}

/// `name VALUE`
std::string with_value(const Option& option) {
  return option.value_name.empty() ? "--" + option.name : fmt::format("--{} {}", option.name, option.value_name);
}

}  // namespace

std::string variable_of(const Option& option) {
  std::string out = "PARLEY_" + option.name;
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

bool is_near(std::string_view written, std::string_view name) {
  constexpr std::size_t kLongest = 64;
  if (written.size() < 3 || written.size() > kLongest) return written == name;
  return distance(written, name) <= std::max<std::size_t>(2, written.size() / 3);
}

std::string OptionSet::to_toml() const {
  std::string out;
  std::string_view section;
  for (const Option& option : options_) {
    if (&option == file_) continue;
    if (option.section != section) {
      out += fmt::format("{}# {}\n", out.empty() ? "" : "\n", option.section);
      section = option.section;
    }
    if (unset(option)) {
      out += fmt::format("# {} is not set\n", option.name);
      continue;
    }
    const std::string note = option.origin.empty() ? "" : "  # " + escape_controls(option.origin);
    out += fmt::format("{} = {}{}\n", option.name, toml_value(option), note);
  }
  return out;
}

std::string OptionSet::to_help() const {
  std::string out;
  for (const auto& [section, about] : sections_) {
    out += fmt::format("\n{}:\n", section);
    if (!about.empty()) out += wrapped(without_backticks(about), 4);
    for (const Option& option : options_) {
      if (option.section != section) continue;
      std::string help = option.help;
      if (option.required) help += " Required.";
      if (option.takes == Takes::kManyValues) help += " Repeat the option, or write commas, for several.";
      const bool shown = option.takes != Takes::kNothing && !option.default_value.empty();
      if (shown) help += fmt::format(" Default: {}.", option.default_value);
      out += in_columns(with_value(option), without_backticks(help));
    }
  }
  return out;
}

std::string OptionSet::to_markdown() const {
  std::string out;
  for (const auto& [section, about] : sections_) {
    out += fmt::format("\n## {}\n\n", section);
    if (!about.empty()) out += wrapped(about, 0, kPageWidth) + "\n";
    for (const Option& option : options_) {
      if (option.section != section) continue;
      const std::string fallback =
          option.default_value.empty() ? "" : fmt::format("; default `{}`", option.default_value);
      out += fmt::format("- `{}`, `{}`{}\n", with_value(option), variable_of(option), fallback);
      out += "\n" + wrapped(fmt::format("{} The value is {}.", option.help, option.expected), 2, kPageWidth) + "\n";
    }
    out.pop_back();
  }
  return out;
}

}  // namespace parley
