#include "http/server/outbox.h"

#include <boost/asio/post.hpp>

#include "http/server/session.h"

namespace parley::http {
namespace {

constexpr std::size_t kMuch = std::size_t{256} << 10;

}  // namespace

void Outbox::add(Session& session, std::string_view header, std::string_view body) {
  bytes_.append(header).append(body);
  if (!answers_.empty() && answers_.back().session == &session) {
    answers_.back().end = bytes_.size();  // pipelined requests
  } else {
    answers_.push_back({&session, bytes_.size()});
  }
  if (bytes_.size() >= kMuch) {
    flush();
  } else if (!posted_) {
    posted_ = true;
    // Behind everything that is ready to run on this loop now.
    boost::asio::post(executor_, [self = shared_from_this()] {
      self->posted_ = false;
      self->flush();
    });
  }
}

void Outbox::flush() {
  std::size_t begin = 0;
  for (const Answer& answer : answers_) {
    answer.session->write_gathered(std::string_view(bytes_).substr(begin, answer.end - begin));
    begin = answer.end;
  }
  answers_.clear();
  bytes_.clear();
}

}  // namespace parley::http
