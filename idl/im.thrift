// The RPC service, by default on port 8888. Names, field numbers and types are what clients rely on; additions are
// optional fields with new numbers. docs/rpc-api.md says which wire forms it is spoken in.
namespace cpp parley.idl

/** A stored message; in a SendRequest, one to be stored. */
struct Message {
  1: string Chat      // "<member1>:<member2>"; answered in canonical spelling: the two sorted by bytes
  2: string Text      // 1 byte to --max-text of UTF-8
  3: string Sender    // one of the two members
  4: i64 SendTime     // microseconds since 1970, given by the store, unique and rising in the chat; ignored in a request
}

/** What Send takes. */
struct SendRequest {
  1: required Message message
  2: optional string IdempotencyKey  // up to 128 bytes; a repeat with the same key stores nothing; empty is none
}

/** What Send answers. The optional fields are there on success. */
struct SendResponse {
  1: required i32 Code           // 0: success; else the number of a row of the error table
  2: required string Msg         // "success", or what was wrong
  3: optional string Chat        // in canonical spelling
  4: optional i64 SendTime       // the stored message's
  5: optional bool Duplicate     // true: nothing was stored now, an earlier send with this key was
}

/** What Pull takes. */
struct PullRequest {
  1: required string Chat
  2: required i64 Cursor         // inclusive; 0: the oldest, or the newest in reverse
  3: required i32 Limit          // 0: 10; more than 1000 is served as 1000
  4: optional bool Reverse       // newest first
  // 5 is reserved: WaitMs
}

/** What Pull answers. The optional fields are there on success. */
struct PullResponse {
  1: required i32 Code           // as in SendResponse
  2: required string Msg
  3: optional list<Message> Messages
  4: optional bool HasMore       // whether messages beyond the last one were left out
  5: optional i64 NextCursor     // where to go on from
}

/** What Ready takes: nothing yet. */
struct ReadyRequest {
}

/** What Ready answers. */
struct ReadyResponse {
  1: required i32 Code           // 0: calls can succeed; else as in SendResponse
  2: required string Msg
  3: optional string StoreId     // the store's random id, made once when the store was
  4: optional string Durability  // what an acknowledgement promises: "fsync", "os", or "memory" (nothing)
  5: optional i64 Clock          // the node's wall clock, microseconds since 1970
  6: optional string RefusesSends  // with Code 12: why sends fail, although pulls succeed
}

/** What Call takes. */
struct CallRequest {
  1: required string Name        // of an rpc of MessageService in api.proto, such as "Pull"
  2: required binary Message     // that call's request, in protobuf
  // 3 to 5 are reserved: User, IssuedAt, WaitMs
}

/** What Call answers. */
struct CallResponse {
  1: required i32 Code           // as in SendResponse; 24 (not_supported): this server has no such call
  2: required string Msg
  3: optional binary Message     // that call's answer, in protobuf; there on success
}

service IMService {
  /** Stores a message. After Code 13 (outcome_unknown) it may be stored, after any other error it is not. */
  SendResponse Send(1: SendRequest req)

  /** A page of a chat's messages, in the order of their times. The argument's id is 2, as it always was. */
  PullResponse Pull(2: PullRequest req)

  /** Whether calls can succeed, and over which store: a gateway takes only nodes that share one. */
  ReadyResponse Ready(1: ReadyRequest req)

  /** Makes any call of api.proto, Send and Pull too, as HTTP does. */
  CallResponse Call(1: CallRequest req)
}
