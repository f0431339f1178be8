#include "net/tls_source.h"

#include <chrono>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "base/log.h"

namespace parley::net {
namespace {

/// How long the keys of session tickets are used. After that a session that goes on begins with a whole handshake.
constexpr std::chrono::hours kTicketKeys{24};

void warn_if_expired(const std::string& option, const TlsContext& context) {
  if (context.has_certificate() && context.expiry() < std::chrono::system_clock::now())
    log_warn("the certificate has expired", {{"option", option}});
}

}  // namespace

Result<std::shared_ptr<TlsSource>> TlsSource::for_server(std::string option, const TlsFiles& files,
                                                         std::string_view protocol) {
  return load(std::move(option), files, [files, protocol] { return TlsContext::for_server(files, protocol); });
}

Result<std::shared_ptr<TlsSource>> TlsSource::for_client(std::string option, const TlsFiles& files,
                                                         const std::vector<Endpoint>& servers) {
  std::vector<std::string> names;
  names.reserve(servers.size());
  for (const Endpoint& server : servers) names.push_back(server.host);
  return load(std::move(option), files,
              [files, names = std::move(names)] { return TlsContext::for_client(files, names); });
}

Result<std::shared_ptr<TlsSource>> TlsSource::load(std::string option, TlsFiles files, Make make) {
  auto first = make();
  if (!first) return std::unexpected(std::move(first).error());
  return std::make_shared<TlsSource>(std::move(option), std::move(files), std::move(make), *std::move(first));
}

TlsSource::TlsSource(std::string option, TlsFiles files, Make make, TlsContext first)
    : option_(std::move(option)),
      files_(std::move(files)),
      make_(std::move(make)),
      current_(std::make_shared<const TlsContext>(std::move(first))) {
  warn_if_expired(option_, *current_);
}

void TlsSource::follow(const std::shared_ptr<TlsSource>& source, std::string use, FileWatch& watch,
                       MetricsRegistry& metrics) {
  const TlsFiles& files = source->files_;
  watch.add({files.certificate, files.key, files.authority}, [source] { source->reload(); }, kTicketKeys);
  metrics.add([source, use = std::move(use)] { return source->collect(use); });
}

void TlsSource::reload() {
  auto made = make_();
  if (!made) {
    failures_.fetch_add(1, std::memory_order_relaxed);
    log_error("new TLS files cannot be used, so the old ones stay in force",
              {{"option", option_}, {"why", made.error().detail}});
    return;
  }
  warn_if_expired(option_, *made);
  made->take_tickets_of(*current(), kTicketKeys);
  auto next = std::make_shared<const TlsContext>(*std::move(made));
  {
    const std::scoped_lock lock(mutex_);
    current_.swap(next);
  }
  reloads_.fetch_add(1, std::memory_order_relaxed);
  log_info("the TLS files were read again", {{"option", option_}});
}

std::vector<prometheus::MetricFamily> TlsSource::collect(const std::string& use) const {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  const auto context = current();
  const Labels labels{{"use", use}};
  std::vector<prometheus::MetricFamily> out;
  if (context->has_certificate()) {
    const auto expiry = duration_cast<seconds>(context->expiry().time_since_epoch()).count();
    out.push_back(gauge_family("parley_tls_certificate_expiry_timestamp_seconds",
                               "When the certificate expires, in seconds since 1970",
                               {{labels, static_cast<double>(expiry)}}));
  }
  const auto count = [](const std::atomic<std::uint64_t>& cell) {
    return static_cast<double>(cell.load(std::memory_order_relaxed));
  };
  out.push_back(counter_family(
      "parley_tls_reloads_total", "How often the TLS files were read again, by result",
      {{{{"use", use}, {"result", "ok"}}, count(reloads_)}, {{{"use", use}, {"result", "failed"}}, count(failures_)}}));
  return out;
}

}  // namespace parley::net
