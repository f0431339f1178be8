#include "api/media_type.h"

#include <vector>

#include <gtest/gtest.h>

namespace parley::api {
namespace {

std::string_view preferred(std::string_view accept) {
  const http::Header header{"accept", accept};
  return preferred_type({&header, 1});
}

TEST(MediaType, OfABodyIsReadInAnyCaseAndWithAnyParameters) {
  for (const char* type : {"application/json", "", "  ", "Application/JSON", "application/json; charset=utf-8",
                           "application/json;charset=latin1", "application/json ;", "application/json; a=\"b;c\""}) {
    EXPECT_EQ(body_type(type), BodyType::kJson) << type;
  }
  EXPECT_EQ(body_type("application/x-www-form-urlencoded; charset=UTF-8"), BodyType::kForm);
  EXPECT_EQ(body_type("application/x-protobuf"), BodyType::kProtobuf);
  EXPECT_EQ(body_type("application/protobuf; proto=api.SendRequest"), BodyType::kProtobuf);
  for (const char* type : {"text/plain", "application/problem+json", "application/json-patch+json", "application",
                           "multipart/form-data; boundary=x", "application/jsonx", "application/json,text/plain", ";;",
                           "; charset=utf-8"}) {
    EXPECT_EQ(body_type(type), BodyType::kUnsupported) << type;
  }
}

TEST(MediaType, JsonIsAnsweredUnlessProtobufIsPreferred) {
  for (const char* accept : {"", "*/*", "application/*", "application/json", "text/html", "text/html;q=0.9, */*;q=0.1",
                             "application/x-protobuf;q=0", "application/x-protobuf, application/json",
                             "application/x-protobuf;q=0.5, application/json;q=0.5",
                             "application/x-protobuf, */*",  // the weight of */* is JSON's, and the same
                             "application/x-protobuf;q=0.9, application/*",
                             "application/x-protobuf;q=0.4, application/*;q=0.3, application/json;q=0.5"}) {
    EXPECT_EQ(preferred(accept), kJsonType) << accept;
  }
}

TEST(MediaType, ProtobufIsAnsweredWhereItWeighsMore) {
  for (const char* accept :
       {"application/x-protobuf", "APPLICATION/X-Protobuf", "application/x-protobuf;q=0.001",
        "application/json;q=0.5, application/x-protobuf", "application/x-protobuf;Q=0.9, application/json ; q=0.8",
        "application/*, application/json;q=0", "*/*;q=0.8, application/json;q=0.799",
        "application/x-protobuf;messageType=\"a,b;q=0\";q=0.9, application/json;q=0.5", ", ,application/x-protobuf,",
        "application/x-protobuf, */*;q=0.1", "application/x-protobuf, application/protobuf"}) {
    EXPECT_EQ(preferred(accept), kProtobufType) << accept;
  }
}

TEST(MediaType, ProtobufIsAnsweredUnderTheNameThatIsAccepted) {
  EXPECT_EQ(preferred("application/protobuf"), kProtobufAlias);
  EXPECT_EQ(preferred("application/protobuf, application/x-protobuf;q=0.5"), kProtobufAlias);
}

TEST(MediaType, ARangeThatCannotBeReadIsSkipped) {
  for (const char* accept : {"application/x-protobuf;q=2", "application/x-protobuf;q=1.001",
                             "application/x-protobuf;q=0.1234", "application/x-protobuf;q=x",
                             "application/x-protobuf;q=", "application/x-protobuf;q=-1", "application/x-protobuf;q=.5",
                             "application/x-protobuf;q=0,5", "\"application/x-protobuf", "*/x-protobuf", "*"}) {
    EXPECT_EQ(preferred(accept), kJsonType) << accept;
  }
}

TEST(MediaType, SeveralAcceptFieldsAreOneList) {
  const std::vector<http::Header> headers = {{"Accept", "application/json;q=0.2"},
                                             {"Host", "application/x-protobuf"},
                                             {"ACCEPT", "application/x-protobuf;q=0.3"}};
  EXPECT_EQ(preferred_type(headers), kProtobufType);
  EXPECT_EQ(preferred_type(std::span(headers).first(2)), kJsonType);
}

}  // namespace
}  // namespace parley::api
