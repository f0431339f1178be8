#include "api/protobuf_codec.h"

#include <utility>

#include <api.pb.h>

#include "service/protobuf.h"

namespace parley::api {

Result<void> read_protobuf_send(std::string_view bytes, service::SendRequest& call, std::string& receiver) {
  ::api::SendRequest message;
  if (auto read = service::read_protobuf(bytes, message); !read) return read;
  receiver = std::move(*message.mutable_receiver());
  call = service::from_protobuf(std::move(message));
  return {};
}

Result<void> read_protobuf_pull(std::string_view bytes, service::PullRequest& call) {
  ::api::PullRequest message;
  if (auto read = service::read_protobuf(bytes, message); !read) return read;
  call = service::from_protobuf(std::move(message));
  return {};
}

std::string write_protobuf(const service::SendResponse& response) {
  return service::to_protobuf(response).SerializeAsString();
}

Result<std::string> write_protobuf(const service::PullResponse& response, MemoryReservation& memory) {
  const ::api::PullResponse page = service::to_protobuf(response);
  if (!memory.grow(page.ByteSizeLong())) return fail(ErrorCode::kOverloaded, "no memory is left for the page");
  return page.SerializeAsString();
}

}  // namespace parley::api
