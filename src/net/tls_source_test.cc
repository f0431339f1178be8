#include "net/tls_source.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "net/tls_fixture.h"

namespace parley::net {
namespace {

namespace fs = std::filesystem;
using std::chrono::system_clock;

Result<std::shared_ptr<TlsSource>> load(const TlsFiles& files) { return TlsSource::for_server("--tls-cert", files); }

TEST(TlsSource, SaysWhichFileItCannotUse) {
  const Certificates certificates;
  const TlsFiles one = certificates.make("one");
  const TlsFiles two = certificates.make("two");
  for (const auto& [files, named] :
       {std::pair{TlsFiles{one.certificate, two.key, {}}, two.key},
        std::pair{TlsFiles{certificates.path("absent.pem"), one.key, {}}, certificates.path("absent.pem")},
        std::pair{TlsFiles{one.certificate, one.certificate, {}}, one.certificate},
        std::pair{TlsFiles{one.certificate, one.key, one.key}, one.key}}) {
    const auto loaded = load(files);
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().detail.find(named), std::string::npos) << loaded.error().detail;
  }
}

TEST(TlsSource, TakesWhatTheFilesHaveBecome) {
  const Certificates certificates;
  const TlsFiles files = certificates.make("used", "localhost", 1000);
  FileWatch watch;
  MetricsRegistry metrics;
  const auto source = load(files).value();
  TlsSource::follow(source, "test", watch, metrics);
  const auto before = source->current();
  EXPECT_TRUE(before->has_certificate());
  EXPECT_LT(before->expiry(), system_clock::now() + std::chrono::seconds(2000));
  const TlsFiles later = certificates.make("later", "localhost", 100'000);
  fs::rename(later.key, files.key);  // between the two they do not fit
  fs::rename(later.certificate, files.certificate);
  while (source->current()->expiry() == before->expiry()) std::this_thread::yield();
  EXPECT_GT(source->current()->expiry(), system_clock::now() + std::chrono::seconds(90'000));
}

}  // namespace
}  // namespace parley::net
