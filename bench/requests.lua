-- What wrk sends, and one line of figures at the end. Arguments after wrk's own `--`:
--
--   static                         GET /, for nginx
--   ping                           GET /ping
--   closing PATH                   GET PATH, each on a connection of its own
--   send   CHATS BYTES             a message of BYTES to each of CHATS chats in turn
--   opening BYTES FIRST            a message of BYTES to a chat of its own, the first of them number FIRST
--   keyed  CHATS BYTES RUN         the same, each with an idempotency key of its own (RUN tells runs apart)
--   pull   CHATS LIMIT             a page of each of CHATS chats in turn
--   fresh  CHATS LIMIT             the same, each from a cursor of its own, so that it is no page that was kept
--   newest CHAT LIMIT              the newest page of chat number CHAT
--   fresh_newest CHAT LIMIT        the same, each from a cursor of its own, likewise
--
-- Requests are strings made beforehand, so that wrk's own work differs as little as it can between them.

local next_request

local function chat(i) return string.format("u%06d:v%06d", i, i) end
local function sender(i) return string.format("u%06d", i) end

local function body(i, bytes)
  return string.format('{"chat":"%s","text":"%s","sender":"%s"}', chat(i), string.rep("x", bytes), sender(i))
end

local function post(text, headers)
  headers["Content-Type"] = "application/json"
  return wrk.format("POST", "/api/send", headers, text)
end

-- A function that answers make(0) to make(count - 1) in turn. Only so many are kept as fit in memory.
local function cycle(count, make)
  local made, i = {}, -1
  return function()
    i = (i + 1) % count
    if i >= 20000 then return make(i) end
    made[i] = made[i] or make(i)
    return made[i]
  end
end

-- What stands before and behind the @ of a request.
local function halves(whole)
  local from, to = whole:find("@", 1, true)
  return {whole:sub(1, from - 1), whole:sub(to + 1)}
end

-- The requests of next_halves(), each with what name() says in place of the @.
local function numbered(next_halves, name)
  return function()
    local half = next_halves()
    return half[1] .. name() .. half[2]
  end
end

local kinds = {
  static = function() return cycle(1, function() return wrk.format("GET", "/") end) end,
  ping = function() return cycle(1, function() return wrk.format("GET", "/ping") end) end,
  closing = function(path)
    return cycle(1, function() return wrk.format("GET", path, {["Connection"] = "close"}) end)
  end,
  send = function(chats, bytes)
    return cycle(tonumber(chats), function(i) return post(body(i, bytes), {}) end)
  end,
  opening = function(bytes, first)
    local i = tonumber(first) - 1
    return function() i = i + 1; return post(body(i, bytes), {}) end
  end,
  keyed = function(chats, bytes, run)
    local n = 0
    return numbered(cycle(tonumber(chats), function(i)
      return halves(post(body(i, bytes), {["Idempotency-Key"] = "@"}))
    end), function() n = n + 1; return run .. "-" .. n end)
  end,
  pull = function(chats, limit)
    return cycle(tonumber(chats), function(i)
      return wrk.format("GET", "/api/pull?chat=" .. chat(i) .. "&limit=" .. limit)
    end)
  end,
  fresh = function(chats, limit)
    local n = 0  -- microseconds after 1970, so before every message
    return numbered(cycle(tonumber(chats), function(i)
      return halves(wrk.format("GET", "/api/pull?chat=" .. chat(i) .. "&limit=" .. limit .. "&cursor=@"))
    end), function() n = n + 1; return n end)
  end,
  newest = function(number, limit)
    local path = "/api/pull?reverse=true&chat=" .. chat(tonumber(number)) .. "&limit=" .. limit
    return cycle(1, function() return wrk.format("GET", path) end)
  end,
  fresh_newest = function(number, limit)
    local path = "/api/pull?reverse=true&chat=" .. chat(tonumber(number)) .. "&limit=" .. limit .. "&cursor=@"
    local n = 2^53  -- the end of time
    return numbered(cycle(1, function() return halves(wrk.format("GET", path)) end),
      function() n = n - 1; return string.format("%.0f", n) end)
  end,
}

function init(args) next_request = kinds[args[1]](args[2], args[3], args[4]) end

function request() return next_request() end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('figures {"requests":%d,"us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"bytes":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
