-- wrk's side of the bench: each request is a new order of three lines over SKUS products, stock required.
-- Environment: KEY (API key), SKUS (how many products), RUN (a word that makes keys unique), DELAY_MS.
local key, run = os.getenv("KEY"), os.getenv("RUN")
local skus = tonumber(os.getenv("SKUS"))
local delay_ms = tonumber(os.getenv("DELAY_MS") or "0")
local threads = {}

function setup(thread)
    table.insert(threads, thread)
    thread:set("number", #threads)
end

function init()
    count = 0
    math.randomseed(number * 7919)
    headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. key }
end

-- What is not defined costs nothing: with a function for each answer wrk would copy every header into a table.
if delay_ms > 0 then
    function delay()
        return delay_ms
    end
end

local function line(sku)
    return string.format(
        '{"sku":"BENCH-%04d","quantity":1,"unit_price":{"amount":"120.00","currency":"HKD"}}', sku)
end

function request()
    count = count + 1
    local first = math.random(skus)
    local id = string.format("%s-%d-%d", run, number, count)
    headers["Idempotency-Key"] = id
    return wrk.format("POST", "/v1/orders", headers, string.format(
        '{"channel":"web","external_id":"%s","currency":"HKD","locale":"zh-Hant","stock_policy":"require",' ..
        '"customer":{"name":"陳大文","email":"c%d-%d@example.com","phone":"+85291234567"},' ..
        '"shipping_address":{"name":"陳大文","phone":"+85291234567","address1":"觀塘道 1 號","city":"觀塘","country":"HK"},' ..
        '"lines":[%s,%s,%s],"shipping_lines":[],"discounts":[],"tax_lines":[],"prices_include_tax":true,' ..
        '"payments":[{"method":"card","status":"captured","amount":{"amount":"360.00","currency":"HKD"}}]}',
        id, number, count, line(first), line((first + 17) % skus + 1), line((first + 101) % skus + 1)))
end

function done(summary, latency)
    io.write(string.format('RESULT {"requests": %d, "refused": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, ' ..
        '"max_ms": %.3f, "socket_errors": %d}\n',
        summary.requests, summary.errors.status, summary.duration / 1e6, latency:percentile(50) / 1000,
        latency:percentile(99) / 1000, latency.max / 1000,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
