#include "app/command_line.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/output.h"
#include "base/quote.h"
#include "base/version.h"
#include "base/wrap.h"

namespace parley::app {
namespace {

int print(std::string_view text) { return write_output(text) ? 0 : 1; }

int usage_error(std::string_view message) {
  print_error(message);
  return CommandLine::kUsage;
}

bool is_option(std::string_view argument) { return argument.size() > 1 && argument.starts_with('-'); }

/// The name in an argument such as `--max-text=5`.
std::string name_of(const std::string& argument) {
  const std::size_t begin = argument.find_first_not_of('-');
  return begin == std::string::npos ? "" : argument.substr(begin, argument.find('=') - begin);
}

const Option* find(const Command& command, std::string_view name) {
  for (const OptionSet* set : command.options) {
    if (const Option* option = set->find(name)) return option;
  }
  return nullptr;
}

std::string nearest(const Command& command, std::string_view name) {
  std::string best;
  for (const OptionSet* set : command.options) {
    const std::string near = set->nearest(name);
    if (near.empty()) continue;
    if (best.empty() || distance(name, near) < distance(name, best)) best = near;
  }
  return best;
}

bool asks_for_help(const std::vector<std::string>& extras) {
  const auto end = std::ranges::find(extras, "--");
  return std::find(extras.begin(), end, "-h") != end;
}

bool takes_text(const Command& command) {
  return !command.positionals.empty() && command.positionals.back().name == "TEXT";
}

std::string unknown_option(const Command& command, const std::string& argument) {
  const std::string unknown = "unknown option " + quote(argument);
  if (const std::string near = nearest(command, name_of(argument)); !near.empty()) {
    return fmt::format("{} (did you mean --{}?)", unknown, near);
  }
  if (takes_text(command) && command.positionals.back().target->empty()) {
    return fmt::format("{}: if it is the text, write -- before it, as in: parley {} {} -- {}", unknown, command.name,
                       command.usage.substr(0, command.usage.rfind(' ')), quote(argument));
  }
  return fmt::format("{}: parley {} --help lists the options", unknown, command.name);
}

std::string one_too_many(const Command& command, const std::string& argument, bool behind_dashes) {
  const std::string name = "parley " + command.name;
  if (command.positionals.empty()) {
    return fmt::format("unexpected argument {}: {} takes only options, which {} --help lists", quote(argument), name,
                       name);
  }
  if (behind_dashes && is_option(argument)) {
    return fmt::format("unexpected argument {}: behind -- nothing is an option, so write {} before the --",
                       quote(argument), quote(argument));
  }
  if (takes_text(command)) {
    return fmt::format("unexpected argument {}: {} takes one TEXT, so write quotes around several words",
                       quote(argument), name);
  }
  return fmt::format("unexpected argument {}: {} takes one {}", quote(argument), name, command.positionals.back().name);
}

}  // namespace

std::string misuse(const Command& command, const std::vector<std::string>& extras) {
  bool behind_dashes = false;
  for (const std::string& extra : extras) {
    if (!behind_dashes && extra == "--") {
      behind_dashes = true;
      continue;
    }
    return !behind_dashes && is_option(extra) ? unknown_option(command, extra)
                                              : one_too_many(command, extra, behind_dashes);
  }
  return {};
}

CommandLine::CommandLine() {
  app_.set_help_flag("--help");  // -h is no option to CLI11, which would take -http for it
  app_.set_version_flag("--version", "");
  app_.require_subcommand(0, 1);
  app_.allow_extras();
}

void CommandLine::add(Command command) {
  CLI::App* const app = app_.add_subcommand(command.name);
  app->allow_extras();
  for (const Positional& positional : command.positionals) app->add_option(positional.name, *positional.target);
  for (const OptionSet* options : command.options) options->add_to(*app);
  entries_.push_back({std::move(command), app});
}

const CommandLine::Entry* CommandLine::parsed() const {
  const auto found = std::ranges::find_if(entries_, [](const Entry& entry) { return entry.app->parsed(); });
  return found == entries_.end() ? nullptr : &*found;
}

int CommandLine::run(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print(parsed() == nullptr ? overview() : help(parsed()->command));
  } catch (const CLI::CallForVersion&) {
    return print(fmt::format("parley {}\n", kVersion));
  } catch (const CLI::ArgumentMismatch& error) {  // its text begins with the option
    const std::string text = error.what();
    return usage_error(needs_value(text.substr(0, text.find(':'))));
  } catch (const CLI::ParseError& error) {
    return usage_error(escape_controls(error.what()));
  }
  const Entry* const entry = parsed();
  const std::vector<std::string> outside = app_.remaining();
  const std::vector<std::string> extras = entry == nullptr ? outside : entry->app->remaining();
  if (asks_for_help(extras) || (!outside.empty() && outside.front() == "help")) {
    return print(entry == nullptr ? overview() : help(entry->command));
  }
  if (!outside.empty()) return usage_error(outside_of_commands());
  if (entry == nullptr) {
    std::cerr << overview();
    return kUsage;
  }
  const Command& command = entry->command;
  if (const std::string wrong = misuse(command, extras); !wrong.empty()) return usage_error(wrong);
  for (const Positional& positional : command.positionals) {
    if (entry->app->count(positional.name) > 0) continue;
    return usage_error(fmt::format("{} is missing: write {}, as in: parley {} {}", positional.name, positional.expected,
                                   command.name, command.usage));
  }
  return command.run(*entry->app);
}

/// What is wrong with the arguments before the command, or in its place.
std::string CommandLine::outside_of_commands() const {
  const std::string argument = app_.remaining().front();
  const std::string name = name_of(argument);
  if (is_option(argument)) {
    const auto has_it = [&](const Entry& entry) { return find(entry.command, name) != nullptr; };
    const Entry* const named = parsed();
    const auto owner = std::ranges::find_if(entries_, has_it);
    if (named != nullptr || owner != entries_.end()) {
      return fmt::format("options stand behind the command: write parley {} {} ...",
                         (named != nullptr ? *named : *owner).command.name, escape_controls(argument));
    }
    const bool version = is_near(name, "version") || argument == "-v" || argument == "-V";
    return fmt::format("unknown option {}{}", quote(argument),
                       version ? " (did you mean --version?)" : ": parley --help lists the commands");
  }
  for (const auto& [command, app] : entries_) {
    if (is_near(argument, command.name)) {
      return fmt::format("unknown command {} (did you mean {}?)", quote(argument), command.name);
    }
  }
  return fmt::format("unknown command {}: parley --help lists the commands", quote(argument));
}

std::string CommandLine::needs_value(const std::string& name) const {
  const Option* const option = parsed() == nullptr ? nullptr : find(parsed()->command, name_of(name));
  return fmt::format("{} needs a value: write {}", name, option == nullptr ? "one behind it" : option->expected);
}

std::string CommandLine::overview() const {
  std::string out =
      "Parley is a chat server. It keeps messages in order, and loses none that it has acknowledged.\n\n"
      "Usage: parley COMMAND [OPTIONS]\n\nCommands, each with an example:\n";
  for (const auto& [command, app] : entries_) {
    out += in_columns(command.name, command.summary);
    out += in_columns("", command.example);
  }
  return out + "\nOptions:\n" +
         in_columns("-h, --help", "Print this help. Behind a command: the help of that command.") +
         in_columns("--version", "Print the version.") +
         "\nFirst steps:\n"
         "  parley serve                             starts a server, which runs until Ctrl-C\n"
         "  parley send alice:bob --as alice \"hi\"    sends a message, from another terminal\n"
         "  parley pull alice:bob                    prints the chat of Alice and Bob\n";
}

std::string CommandLine::help(const Command& command) {
  std::string out = fmt::format("{}\n\nUsage: parley {} {}\n", command.summary, command.name, command.usage);
  for (std::size_t begin = 0; begin < command.about.size();) {
    const std::size_t end = std::min(command.about.find('\n', begin), command.about.size());
    out += "\n" + wrapped(without_backticks(command.about.substr(begin, end - begin)), 0);
    begin = end + 1;
  }
  if (!command.positionals.empty()) out += "\nArguments:\n";
  for (const Positional& positional : command.positionals) {
    out += in_columns(positional.name, without_backticks(positional.help));
  }
  for (const OptionSet* options : command.options) out += options->to_help();
  out += "\nHelp:\n" + in_columns("-h, --help", "Print this help.");
  out += "\nExamples:\n";
  for (const auto& [line, meaning] : command.examples) out += fmt::format("  {}\n{}", line, wrapped(meaning, 6));
  return out;
}

}  // namespace parley::app
