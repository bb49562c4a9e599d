-- Mixed requests of many applications for wrk: of a hundred, 84 reads, 10 writes, 5 logins, one listing.
-- SECRETS lie in folders of a thousand; APPS names a file of `token role_id secret_id` lines.

local secrets = tonumber(os.getenv("SECRETS"))
local applications = {}
for line in io.lines(os.getenv("APPS")) do
  local token, role, secret = line:match("(%S+) (%S+) (%S+)")
  table.insert(applications, {
    headers = { ["X-Vault-Token"] = token, ["Content-Type"] = "application/json" },
    login = '{"role_id":"' .. role .. '","secret_id":"' .. secret .. '"}',
  })
end
local body = '{"data":{"username":"application","password":"' .. string.rep("x7Kq", 12) .. '"}}'
local json = { ["Content-Type"] = "application/json" }

function init()
  math.randomseed(os.time())
end

function request()
  local application = applications[math.random(#applications)]
  local number, dice = math.random(0, secrets - 1), math.random(100)
  local folder = math.floor(number / 1000)
  if dice <= 84 then
    return wrk.format("GET", "/v1/secret/data/bulk/" .. folder .. "/" .. number, application.headers)
  elseif dice <= 94 then
    return wrk.format("POST", "/v1/secret/data/own/" .. number % 1000, application.headers, body)
  elseif dice <= 99 then
    return wrk.format("POST", "/v1/auth/approle/login", json, application.login)
  end
  return wrk.format("GET", "/v1/secret/metadata/bulk/" .. folder .. "?list=true", application.headers)
end

dofile(os.getenv("REPORT"))
