// Options, each declared once: from the declaration come the flag, the environment variable, the key of the file, the
// help, the printed configuration and the reference page.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace parley {

/// Nothing, or one line that says which option is wrong, where, and what is expected.
using OptionResult = std::expected<void, std::string>;

/// One declaration. `max-text` is `--max-text`, PARLEY_MAX_TEXT and the key max-text.
struct Option {
  enum class Takes { kNothing, kOneValue, kManyValues };

  std::string name{};
  std::string section{};
  std::string value_name{};  ///< in the help: SIZE, HOST:PORT
  std::string help{};        ///< whole sentences; what one would type stands between backticks
  std::string expected{};    ///< completes "write …"
  Takes takes = Takes::kOneValue;
  bool required = false;
  bool quoted = true;           ///< whether its value is a string in TOML
  std::string default_value{};  ///< as the help shows it; empty: none is shown

  std::function<bool(const std::vector<std::string>&)> set{};  ///< stores the values, or false if they are not valid
  std::function<std::vector<std::string>()> get{};
  std::function<std::string(const std::string&)> redact{};  ///< leaves the secrets out of a value; none: has no secrets
  std::string origin{};                                     ///< who set it; empty while it has its default
};

/// The options of a command, in the order of their declaration. The targets must outlive it. One thread.
class OptionSet {
 public:
  using Check = std::function<bool(std::string_view)>;
  using Environment = std::function<const char*(const char*)>;  ///< as getenv

  OptionSet() = default;
  OptionSet(OptionSet&&) noexcept = default;
  OptionSet& operator=(OptionSet&&) noexcept = default;

  /// What is declared next belongs to this section. `about` says in whole sentences what its options have in common.
  void section(std::string name, std::string about = {}) { sections_.push_back({std::move(name), std::move(about)}); }

  // Each declares one option. `target` holds the default, and later the value. The reference stays valid. Bounds are
  // inclusive.
  Option& flag(std::string name, bool& target, std::string help);
  Option& text(std::string name, std::string& target, std::string value_name, std::string expected, Check check,
               std::string help);
  Option& texts(std::string name, std::vector<std::string>& target, std::string value_name, std::string expected,
                Check check, std::string help);
  Option& size(std::string name, std::size_t& target, std::size_t min, std::size_t max, std::string help);
  Option& count(std::string name, std::size_t& target, std::size_t min, std::size_t max, std::string help);

  template <class Duration>
  Option& duration(std::string name, Duration& target, std::chrono::microseconds min, std::chrono::microseconds max,
                   std::string help) {
    return duration(
        std::move(name), min, max,
        [&target](std::chrono::microseconds value) {
          const auto exact = std::chrono::duration_cast<Duration>(value);
          if (exact != value) return false;
          target = exact;
          return true;
        },
        [&target] { return std::chrono::microseconds(target); }, std::move(help));
  }

  /// One of several named values.
  template <class Value>
  Option& choice(std::string name, Value& target, const std::vector<std::pair<std::string, Value>>& values,
                 std::string help) {
    std::vector<std::string> names;
    names.reserve(values.size());
    for (const auto& value : values) names.push_back(value.first);
    return choice(
        std::move(name), names,
        [&target, values](std::string_view text) {
          for (const auto& [spelling, value] : values) {
            if (spelling == text) return target = value, true;
          }
          return false;
        },
        [&target, values] {
          for (const auto& [spelling, value] : values) {
            if (value == target) return spelling;
          }
          return std::string();
        },
        std::move(help));
  }

  /// Declares the option that names the configuration file. It is no key of the file.
  Option& file(std::string name, std::string& target, std::string help);

  /// Registers every option as a flag of `app`.
  void add_to(CLI::App& app) const;

  /// Sets what the file, the environment and the parsed command line of `app` give, each over the one before. An empty
  /// variable counts as none. Variables that are no options are ignored. Unknown keys of the file are errors.
  [[nodiscard]] OptionResult load(const CLI::App& app, const Environment& environment);

  /// Whether load() found a value for the option of this name anywhere.
  [[nodiscard]] bool is_set(std::string_view name) const;

  /// The option of this name, or null.
  [[nodiscard]] const Option* find(std::string_view name) const;

  /// The declared name nearest to `name`, or nothing if none is near: "did you mean …?"
  [[nodiscard]] std::string nearest(std::string_view name) const;

  /// The values as they stand, without secrets, as a file that load() takes.
  [[nodiscard]] std::string to_toml() const;

  /// The options for a terminal: their sections, each option with its value, its meaning and its default.
  [[nodiscard]] std::string to_help() const;

  /// The reference of the options, as a section of Markdown for each section.
  [[nodiscard]] std::string to_markdown() const;

 private:
  Option& add(Option option);
  Option& duration(std::string name, std::chrono::microseconds min, std::chrono::microseconds max,
                   std::function<bool(std::chrono::microseconds)> set, std::function<std::chrono::microseconds()> get,
                   std::string help);
  Option& choice(std::string name, const std::vector<std::string>& names, std::function<bool(std::string_view)> set,
                 std::function<std::string()> get, std::string help);

  [[nodiscard]] OptionResult load_file(const std::string& path);
  [[nodiscard]] OptionResult load_toml(std::string_view text, const std::string& path);

  struct Section {
    std::string name;
    std::string about;
  };
  std::vector<Section> sections_;
  std::deque<Option> options_;  // references to its elements stay valid
  const Option* file_ = nullptr;
};

/// The environment variable of an option: PARLEY_MAX_TEXT for max-text.
[[nodiscard]] std::string variable_of(const Option& option);

/// How alike two names are: the letters to change, add or leave out to make one of the other (Levenshtein).
[[nodiscard]] std::size_t distance(std::string_view a, std::string_view b);

/// Whether a person who wrote `written` may have meant `name`.
[[nodiscard]] bool is_near(std::string_view written, std::string_view name);

/// Declares an option that names a file. `expected` says which: "a PEM file".
void declare_file(OptionSet& options, std::string name, std::string& target, std::string expected, std::string help);

}  // namespace parley
