// What an operator may set about a server, and the declaration of each option.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "app/engines.h"
#include "base/log.h"
#include "base/option_set.h"
#include "http/server/server_options.h"
#include "net/tls.h"
#include "rpc/client/client_options.h"
#include "rpc/server/server_options.h"
#include "service/validation.h"
#include "store/store_options.h"

namespace parley::app {

struct Config {
  std::string file;

  std::string http;  ///< the listeners' addresses; empty: none
  std::string rpc;
  std::string admin;
  bool allow_anonymous = false;
  net::TlsFiles http_tls;  ///< without a certificate: in the clear
  net::TlsFiles rpc_tls;   ///< the same; and what a gateway knows its nodes by, and shows them
  http::HttpOptions http_options;
  rpc::RpcOptions rpc_options;  ///< what it shares with HTTP's is filled in by load_config()

  Engines engines = make_engines();  ///< each with the options of its own
  std::string store = "rocksdb:parley-data";
  std::string backend;  ///< empty: the store is ours
  rpc::ClientOptions client_options;
  std::chrono::milliseconds backend_timeout{15'000};  ///< at the start, for nodes to be found
  store::StoreOptions store_options;

  service::ServiceLimits limits;
  std::size_t max_memory = std::size_t{256} << 20;  ///< bytes of bodies and pages in memory together

  std::size_t threads = 0;  ///< event loops; 0: one for each usable processor
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  std::chrono::milliseconds drain_delay{0};
  std::chrono::milliseconds drain_timeout{10'000};
};

/// Declares every option of `parley serve` over `config`, which must outlive what is returned.
[[nodiscard]] OptionSet declare_options(Config& config);

/// Loads `config` through its `options` (file, environment, command line of `app`), fills in what depends on other
/// options, and checks what must fit together.
[[nodiscard]] OptionResult load_config(Config& config, OptionSet& options, const CLI::App& app,
                                       const OptionSet::Environment& environment);

/// The reference of every option as a page of Markdown; docs/configuration.md is this.
[[nodiscard]] std::string reference_page(const OptionSet& options);

}  // namespace parley::app
