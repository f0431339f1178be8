#include "store/embedded/engine.h"

#include <expected>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "store/embedded/disk.h"
#include "store/embedded/store.h"
#include "store/embedded/store_facts.h"
#include "store/embedded/store_folder.h"

namespace parley::store {
namespace {

constexpr std::string_view kScheme = "rocksdb:";

/// What stands behind `rocksdb:`. What a shell, or a reader of URLs, would take for another folder is refused.
std::expected<std::filesystem::path, std::string> parse_path(std::string_view path) {
  const auto refuse = [](std::string why) { return std::unexpected(std::move(why)); };
  if (path.empty()) return refuse("a path is missing: write rocksdb:PATH, as in rocksdb:parley-data");
  if (path.starts_with(' ') || path.ends_with(' ')) return refuse("the path begins or ends with a space");
  if (path.starts_with('~') || path.starts_with('$')) {
    return refuse(
        fmt::format("only a shell replaces {} at the beginning of a word: write the whole path, as in "
                    "rocksdb:/home/...",
                    path.substr(0, 1)));
  }
  if (path.starts_with("///")) return std::filesystem::path(path.substr(2));
  if (path.starts_with("//")) {
    const std::string_view name = path.substr(2);
    return refuse(
        fmt::format("there is no host to name behind //: write rocksdb:{} for a folder in the working "
                    "directory, or rocksdb:/{} for one at the root",
                    name, name));
  }
  return std::filesystem::path(path);
}

std::filesystem::path folder_of(std::string_view url) { return parse_path(url.substr(kScheme.size())).value(); }

}  // namespace

Engine embedded_engine() {
  return {.urls = "rocksdb:PATH",
          .embedded = true,
          .takes = [](std::string_view url) { return url.starts_with(kScheme); },
          .read = [](std::string_view url) -> OptionResult {
            const auto path = parse_path(url.substr(kScheme.size()));
            return path ? OptionResult{} : std::unexpected(path.error());
          },
          .shown = [](std::string_view url) { return std::string(kScheme) + absolute_path(folder_of(url)).string(); },
          .holder =
              [](std::string_view url) {
                const std::filesystem::path folder = folder_of(url);
                const pid_t process = process_that_holds(folder);
                return process == 0 ? std::string()
                                    : fmt::format("process {} has {} open", process, absolute_path(folder).string());
              },
          .open =
              [](std::string_view url, const Opening& with) {
                return open_rocksdb_store(folder_of(url), with.options, with.loops, with.metrics);
              },
          .look =
              [](std::string_view url, const Looking& at) {
                const std::filesystem::path folder = folder_of(url);
                const DiskFacts disk = look_at_disk(folder);
                Findings found = judge_disk(disk, at.options.durability == Durability::kFsync, at.request_timeout);
                if (disk.writable && disk.unusable.empty()) {
                  found.push_back(judge_store(folder, look_at_store(folder)));
                }
                return found;
              }};
}

}  // namespace parley::store
