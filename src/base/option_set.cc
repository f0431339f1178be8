#include "base/option_set.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/parse_number.h"
#include "base/quote.h"
#include "base/units.h"

namespace parley {
namespace {

using Takes = Option::Takes;

/// An option of one value, which `parse` turns into what `store` keeps.
std::function<bool(const std::vector<std::string>&)> one(std::function<bool(std::string_view)> store) {
  return [store = std::move(store)](const std::vector<std::string>& values) {
    return values.size() == 1 && store(values.front());
  };
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::string item = CLI::detail::trim_copy(std::string(list.substr(begin, end - begin)));
    begin = end + 1;
    if (!item.empty()) out.push_back(std::move(item));
  }
  return out;
}

/// The values that `texts`, as they were written, stand for.
std::vector<std::string> values_of(const Option& option, const std::vector<std::string>& texts) {
  if (option.takes != Takes::kManyValues) return texts;
  std::vector<std::string> out;
  for (const std::string& text : texts) std::ranges::move(split(text), std::back_inserter(out));
  return out;
}

std::string joined(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ",")); }

/// Sets `option`, or says what is wrong with what `origin` ("PARLEY_HTTP in the environment") gives.
OptionResult set(Option& option, const std::vector<std::string>& texts, std::string_view origin) {
  if (option.set(values_of(option, texts))) {
    option.origin = origin;
    return {};
  }
  const std::string text = joined(texts);
  const bool secret = option.redact && text.find('@') != std::string::npos;  // behind a password comes an @
  const std::string shown = secret ? "the value" : text.empty() ? "an empty value" : quote(text);
  return std::unexpected(
      fmt::format("--{}: {} ({}) is not valid: write {}", option.name, shown, origin, option.expected));
}

/// What a scalar of the file says, as one would write it on the command line; nothing for tables, arrays and dates.
std::optional<std::string> scalar(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  return std::nullopt;
}

std::optional<std::vector<std::string>> texts_of(const toml::node& node, Takes takes) {
  std::vector<std::string> out;
  const auto* array = node.as_array();
  if (array == nullptr) {
    auto text = scalar(node);
    if (!text) return std::nullopt;
    out.push_back(*std::move(text));
    return out;
  }
  if (takes != Takes::kManyValues) return std::nullopt;
  for (const toml::node& item : *array) {
    auto text = scalar(item);
    if (!text) return std::nullopt;
    out.push_back(*std::move(text));
  }
  return out;
}

}  // namespace

Option& OptionSet::add(Option option) {
  if (!sections_.empty()) option.section = sections_.back().name;
  option.default_value = joined(option.get());
  options_.push_back(std::move(option));
  return options_.back();
}

Option& OptionSet::flag(std::string name, bool& target, std::string help) {
  return add({.name = std::move(name),
              .help = std::move(help),
              .expected = "true or false",
              .takes = Takes::kNothing,
              .quoted = false,
              .set = one([&target](std::string_view text) {
                const auto value = parse_bool(text);
                if (value) target = *value;
                return value.has_value();
              }),
              .get = [&target] { return std::vector<std::string>{target ? "true" : "false"}; }});
}

Option& OptionSet::text(std::string name, std::string& target, std::string value_name, std::string expected,
                        Check check, std::string help) {
  return add({.name = std::move(name),
              .value_name = std::move(value_name),
              .help = std::move(help),
              .expected = std::move(expected),
              .set = one([&target, check = std::move(check)](std::string_view text) {
                if (!check(text)) return false;
                target = text;
                return true;
              }),
              .get = [&target] { return std::vector<std::string>{target}; }});
}

Option& OptionSet::texts(std::string name, std::vector<std::string>& target, std::string value_name,
                         std::string expected, Check check, std::string help) {
  return add({.name = std::move(name),
              .value_name = std::move(value_name),
              .help = std::move(help),
              .expected = std::move(expected),
              .takes = Takes::kManyValues,
              .set =
                  [&target, check = std::move(check)](const std::vector<std::string>& values) {
                    if (!std::ranges::all_of(values, check)) return false;
                    target = values;
                    return true;
                  },
              .get = [&target] { return target; }});
}

Option& OptionSet::size(std::string name, std::size_t& target, std::size_t min, std::size_t max, std::string help) {
  return add({.name = std::move(name),
              .value_name = "SIZE",
              .help = std::move(help),
              .expected = fmt::format("a number of bytes, or a whole number with KiB, MiB or GiB, from {} to {}",
                                      format_size(min), format_size(max)),
              .set = one([&target, min, max](std::string_view text) {
                const auto value = parse_size(text);
                if (!value || *value < min || *value > max) return false;
                target = *value;
                return true;
              }),
              .get = [&target] { return std::vector{format_size(target)}; }});
}

Option& OptionSet::count(std::string name, std::size_t& target, std::size_t min, std::size_t max, std::string help) {
  return add({.name = std::move(name),
              .value_name = "N",
              .help = std::move(help),
              .expected = fmt::format("a whole number from {} to {}", min, max),
              .quoted = false,
              .set = one([&target, min, max](std::string_view text) {
                const auto value = parse_number<std::size_t>(text);
                if (!value || *value < min || *value > max) return false;
                target = *value;
                return true;
              }),
              .get = [&target] { return std::vector{std::to_string(target)}; }});
}

Option& OptionSet::duration(std::string name, std::chrono::microseconds min, std::chrono::microseconds max,
                            std::function<bool(std::chrono::microseconds)> set,
                            std::function<std::chrono::microseconds()> get, std::string help) {
  return add({.name = std::move(name),
              .value_name = "DURATION",
              .help = std::move(help),
              .expected = fmt::format("a duration with its unit, such as 500ms, 2s or 24h, from {} to {}",
                                      format_duration(min), format_duration(max)),
              .set = one([min, max, set = std::move(set)](std::string_view text) {
                const auto value = parse_duration(text);
                return value && *value >= min && *value <= max && set(*value);
              }),
              .get = [get = std::move(get)] { return std::vector{format_duration(get())}; }});
}

Option& OptionSet::choice(std::string name, const std::vector<std::string>& names,
                          std::function<bool(std::string_view)> set, std::function<std::string()> get,
                          std::string help) {
  return add({.name = std::move(name),
              .value_name = fmt::format("{}", fmt::join(names, "|")),
              .help = std::move(help),
              .expected = fmt::format("{}", fmt::join(names, " or ")),
              .set = one(std::move(set)),
              .get = [get = std::move(get)] { return std::vector{get()}; }});
}

Option& OptionSet::file(std::string name, std::string& target, std::string help) {
  Option& option = text(
      std::move(name), target, "FILE", "the path of a file", [](std::string_view path) { return !path.empty(); },
      std::move(help));
  file_ = &option;
  return option;
}

void OptionSet::add_to(CLI::App& app) const {
  const auto accept = [](const CLI::results_t&) { return true; };  // load() judges the values
  for (const Option& option : options_) {
    CLI::Option* added =
        option.takes == Takes::kNothing ? app.add_flag("--" + option.name) : app.add_option("--" + option.name, accept);
    added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
}

OptionResult OptionSet::load(const CLI::App& app, const Environment& environment) {
  const auto from_variable = [&](const Option& option) -> std::vector<std::string> {
    const char* const value = environment(variable_of(option).c_str());
    if (value == nullptr || *value == '\0') return {};
    return {value};
  };
  const auto from_flag = [&](const Option& option) { return app.get_option("--" + option.name)->results(); };

  if (file_ != nullptr) {
    std::vector<std::string> path = from_flag(*file_);
    if (path.empty()) path = from_variable(*file_);
    if (path.size() == 1) {
      if (auto loaded = load_file(path.front()); !loaded) return loaded;
    }
  }
  for (Option& option : options_) {
    if (const auto texts = from_variable(option); !texts.empty()) {
      if (auto done = set(option, texts, variable_of(option) + " in the environment"); !done) return done;
    }
    const auto texts = from_flag(option);
    if (texts.size() > 1 && option.takes != Takes::kManyValues) {
      return std::unexpected(fmt::format("--{} is given more than once: write it once", option.name));
    }
    if (!texts.empty()) {
      if (auto done = set(option, texts, "on the command line"); !done) return done;
    }
    if (option.required && option.origin.empty()) {
      return std::unexpected(
          fmt::format("--{} is missing: write --{} and {}", option.name, option.name, option.expected));
    }
  }
  return {};
}

OptionResult OptionSet::load_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in.is_open()) in.peek();  // opening a folder succeeds, reading it does not
  if (!in.is_open() || in.bad()) {
    const int why = errno;
    return std::unexpected(fmt::format("--{}: cannot read {}: {}", file_->name, quote(path), std::strerror(why)));
  }
  text << in.rdbuf();
  return load_toml(text.str(), path);
}

OptionResult OptionSet::load_toml(std::string_view text, const std::string& path) {
  const std::string shown = escape_controls(path);
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        fmt::format("{}:{}: {}", shown, error.source().begin.line, escape_controls(error.description())));
  }
  for (const auto& [key, node] : table) {
    const std::string place = fmt::format("{}:{}", shown, node.source().begin.line);
    const auto option = std::ranges::find(options_, key.str(), &Option::name);
    if (option == options_.end() || &*option == file_) {
      const std::string hint = nearest(key.str());
      return std::unexpected(fmt::format("{}: unknown key {}{}", place, quote(key.str()),
                                         hint.empty() ? "" : fmt::format(" (did you mean {}?)", hint)));
    }
    const auto texts = texts_of(node, option->takes);
    if (!texts) {
      return std::unexpected(
          fmt::format("{}: the key {} takes no value of this type: write {}", place, option->name, option->expected));
    }
    if (auto done = set(*option, *texts, place); !done) return done;
  }
  return {};
}

const Option* OptionSet::find(std::string_view name) const {
  const auto found = std::ranges::find(options_, name, &Option::name);
  return found == options_.end() ? nullptr : &*found;
}

bool OptionSet::is_set(std::string_view name) const {
  const Option* const found = find(name);
  return found != nullptr && !found->origin.empty();
}

std::string OptionSet::nearest(std::string_view name) const {
  const auto far = [&](const Option& option) { return distance(name, option.name); };
  std::string best;
  for (const Option& option : options_) {
    if (!is_near(name, option.name)) continue;
    if (best.empty() || far(option) < distance(name, best)) best = option.name;
  }
  return best;
}

void declare_file(OptionSet& options, std::string name, std::string& target, std::string expected, std::string help) {
  const auto is_named = [](std::string_view text) { return !text.empty(); };
  options.text(std::move(name), target, "FILE", "the path of " + std::move(expected), is_named, std::move(help));
}

}  // namespace parley
