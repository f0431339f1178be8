// A TLS context that follows its files.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file_watch.h"
#include "base/metrics.h"
#include "net/endpoint.h"
#include "net/tls.h"

namespace parley::net {

/// Connections keep the context that they began with; later ones get the new one. Any thread.
class TlsSource {
 public:
  using Make = std::function<Result<TlsContext>()>;

  // By TlsContext's functions of these names, which read `files` for the first context and for each further one.
  // `option` names the files in the log.
  [[nodiscard]] static Result<std::shared_ptr<TlsSource>> for_server(std::string option, const TlsFiles& files,
                                                                     std::string_view protocol = {});
  [[nodiscard]] static Result<std::shared_ptr<TlsSource>> for_client(std::string option, const TlsFiles& files,
                                                                     const std::vector<Endpoint>& servers);
  /// As these make it.
  TlsSource(std::string option, TlsFiles files, Make make, TlsContext first);

  /// From now on `source` makes a new context whenever `watch` sees that the files have changed. If that fails, the old
  /// one stays in force, and the log says so. `use` names the files in the metrics.
  static void follow(const std::shared_ptr<TlsSource>& source, std::string use, FileWatch& watch,
                     MetricsRegistry& metrics);

  [[nodiscard]] std::shared_ptr<const TlsContext> current() const {
    const std::scoped_lock lock(mutex_);
    return current_;
  }

 private:
  [[nodiscard]] static Result<std::shared_ptr<TlsSource>> load(std::string option, TlsFiles files, Make make);
  void reload();
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect(const std::string& use) const;

  const std::string option_;
  const TlsFiles files_;
  const Make make_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsContext> current_;
  std::atomic<std::uint64_t> reloads_{0};
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace parley::net
