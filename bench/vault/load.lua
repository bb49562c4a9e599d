-- Requests for wrk. KIND: read, write, mixed (nine reads to one write), approle, userpass.
-- Secrets 0 to 999 exist; a write makes a new version of one of them. KIND bulk reads any of COUNT
-- secrets that lie in folders of a thousand.

local kind = os.getenv("KIND")
local headers = { ["X-Vault-Token"] = os.getenv("TOKEN"), ["Content-Type"] = "application/json" }
local count = tonumber(os.getenv("COUNT") or "1000")
local body = '{"data":{"username":"application","password":"' .. string.rep("x7Kq", 12)
  .. '","url":"postgres://db.internal:5432/app?sslmode=verify-full"}}'

local function read()
  return wrk.format("GET", "/v1/secret/data/bench/" .. math.random(0, count - 1), headers)
end

local function write()
  return wrk.format("POST", "/v1/secret/data/bench/" .. math.random(0, count - 1), headers, body)
end

local function bulk()
  local number = math.random(0, count - 1)
  return wrk.format("GET", "/v1/secret/data/bulk/" .. math.floor(number / 1000) .. "/" .. number, headers)
end

local function mixed()
  if math.random(10) == 1 then
    return write()
  end
  return read()
end

local function approle()
  local login = '{"role_id":"' .. os.getenv("ROLE") .. '","secret_id":"' .. os.getenv("SECRET") .. '"}'
  return wrk.format("POST", "/v1/auth/approle/login", { ["Content-Type"] = "application/json" }, login)
end

local function userpass()
  local login = '{"password":"a-password-of-some-length"}'
  return wrk.format("POST", "/v1/auth/userpass/login/bench", { ["Content-Type"] = "application/json" }, login)
end

local kinds = { read = read, write = write, mixed = mixed, bulk = bulk, approle = approle, userpass = userpass }
local ask = kinds[kind]

function init()
  math.randomseed(1)
end

function request()
  return ask()
end

dofile(os.getenv("REPORT"))
