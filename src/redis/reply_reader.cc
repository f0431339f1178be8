#include "redis/reply_reader.h"

#include <algorithm>
#include <charconv>
#include <new>
#include <string>
#include <utility>

#include <hiredis/read.h>

namespace parley::redis {
namespace {

std::unexpected<Error> too_large() { return fail(ErrorCode::kBodyTooLarge, "a reply is larger than it may be"); }

Reply::Type type_of(int type) {
  switch (type) {
    case REDIS_REPLY_STATUS: return Reply::Type::kStatus;
    case REDIS_REPLY_ERROR: return Reply::Type::kError;
    default: return Reply::Type::kString;
  }
}

}  // namespace

/// hiredis makes no objects of its own: what these return is where the next ones below it go.
struct ReplyReader::Functions {
  static ReplyReader& of(const redisReadTask* task) { return *static_cast<ReplyReader*>(task->privdata); }

  static void* string(const redisReadTask* task, char* text, std::size_t size) {
    of(task).taken_ += size;
    if (of(task).taken_ > of(task).limits_.bytes) return nullptr;
    Reply* const reply = of(task).place(task);
    reply->type = type_of(task->type);
    reply->text.assign(text, size);
    return reply;
  }
  static void* array(const redisReadTask* task, int size) {
    return of(task).add_array(task, static_cast<std::size_t>(size));
  }
  static void* integer(const redisReadTask* task, long long value) {
    Reply* const reply = of(task).place(task);
    reply->type = Reply::Type::kInteger;
    reply->integer = value;
    return reply;
  }
  static void* nil(const redisReadTask* task) { return of(task).place(task); }
  static void nothing_to_free(void* /*reply*/) {}

  static constexpr redisReplyObjectFunctions kAll{string, array, integer, nil, nothing_to_free};
};

void ReplyReader::Free::operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }

ReplyReader::ReplyReader(ReplyLimits limits) : limits_(limits) {
  static redisReplyObjectFunctions functions = Functions::kAll;  // which hiredis reads, though not as const
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  if (!reader_) throw std::bad_alloc();
  reader_->privdata = this;
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view bytes) { (void)redisReaderFeed(reader_.get(), bytes.data(), bytes.size()); }

Result<std::optional<Reply>> ReplyReader::take() {
  void* done = nullptr;
  if (redisReaderGetReply(reader_.get(), &done) != REDIS_OK) {
    if (reader_->err == REDIS_ERR_OOM) return too_large();  // ours
    return fail(ErrorCode::kBadUpstream, reader_->errstr);
  }
  if (done == nullptr) {
    if (is_pending_too_large()) return too_large();
    return std::nullopt;
  }
  elements_ = 0;
  taken_ = 0;
  return std::exchange(root_, {});
}

/// Where the item of `task` goes. A parent's array does not grow while something below its last element is read, so
/// that pointers into it stay good.
Reply* ReplyReader::place(const redisReadTask* task) {
  if (task->parent == nullptr) return &root_;
  return &static_cast<Reply*>(task->parent->obj)->elements.emplace_back();
}

Reply* ReplyReader::add_array(const redisReadTask* task, std::size_t size) {
  elements_ += size;
  if (elements_ > limits_.elements) return nullptr;
  Reply* const reply = place(task);
  reply->type = Reply::Type::kArray;
  constexpr std::size_t kTrusted = 16;  // memory is taken for what comes, not for what is announced
  reply->elements.reserve(std::min(size, kTrusted));
  return reply;
}

bool ReplyReader::is_pending_too_large() const {
  const redisReader& reader = *reader_;
  if (reader.ridx < 0 || reader.rstack[reader.ridx].type < 0) return false;
  const std::string_view rest(reader.buf + reader.pos, reader.len - reader.pos);
  const auto line = rest.substr(0, limits_.line).find('\r');
  if (line == std::string_view::npos) return rest.size() >= limits_.line;
  if (reader.rstack[reader.ridx].type != REDIS_REPLY_STRING) return false;
  std::size_t size = 0;  // hiredis has found it to be a number
  std::from_chars(rest.data(), rest.data() + line, size);
  return size > limits_.bytes - taken_;
}

}  // namespace parley::redis
