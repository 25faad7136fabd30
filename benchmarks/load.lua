-- wrk: send the requests of a file one after another (each line: method, path, cookie, agent, type, body, address, by tabs),
-- or one GET again and again; print what came back as one line of JSON.
local requests, next_request = {}, 0

local function format(line)
  local parts = {}
  for part in (line .. "\t"):gmatch("([^\t]*)\t") do parts[#parts + 1] = part end
  local headers = { ["User-Agent"] = parts[4], ["Accept"] = "application/json" }
  if parts[3] ~= "" then headers["Cookie"] = parts[3] end
  if parts[5] ~= "" then headers["Content-Type"] = parts[5] end
  if parts[7] then headers["X-Forwarded-For"] = parts[7] end
  return wrk.format(parts[1], parts[2], headers, parts[6])
end

-- Everything is made before the clock runs: the generator works on the processors that it measures.
function init(args)
  if args[1] == nil then
    requests[1] = wrk.format(nil)
  else
    for line in io.lines(args[1]) do requests[#requests + 1] = format(line) end
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %.4f, "p50_ms": %.3f, "p99_ms": %.3f, "status_errors": %d, "socket_errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
